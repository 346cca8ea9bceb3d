// Where the language server is. Looks into nothing but the files it is given.

import * as path from "node:path";

export type Origin = "setting" | "workspace" | "interpreter" | "path" | "installed";

/** A command that starts the server, and why this one. */
export interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: Origin;
}

/** What the search knows of the machine and of the user's settings. */
export interface Surroundings {
  readonly isTrusted: boolean;
  readonly isWindows: boolean;
  /** The setting `redraft.path`. */
  readonly configured: readonly string[];
  readonly folders: readonly string[];
  /** The interpreter that was chosen in the Python extension, which may take its time to say so. */
  readonly interpreter: () => Promise<string | undefined>;
  /** The environment variable PATH. */
  readonly searchPath: string;
  /** The environment that `Redraft: Install Server` makes. */
  readonly environment: string;
}

/** The files of the machine, as far as the search looks at them. */
export interface Files {
  isProgram(file: string): Promise<boolean>;
  /** Where a path leads once all links are followed; itself if it leads nowhere. */
  real(file: string): Promise<string>;
}

const ARGUMENTS = ["lsp"];

/** The server to start; undefined if there is none. In an untrusted workspace none of its files is a candidate. */
export async function located(near: Surroundings, files: Files): Promise<Server | undefined> {
  const [command, ...args] = near.configured;
  if (command !== undefined) return { command, args, origin: "setting" };
  for await (const { file, origin } of candidates(near)) {
    if (!near.isTrusted && (await isOfWorkspace(near, file, files))) continue;
    if (await files.isProgram(file)) return { command: file, args: ARGUMENTS, origin };
  }
  return undefined;
}

async function* candidates(near: Surroundings): AsyncGenerator<{ file: string; origin: Origin }> {
  if (near.isTrusted) {
    for (const folder of near.folders) {
      for (const name of [".venv", "venv"]) {
        yield { file: programIn(join(near, folder, name), near), origin: "workspace" };
      }
    }
    const interpreter = await near.interpreter();
    if (interpreter !== undefined) {
      // Some name the interpreter, some its environment.
      const beside = flavour(near).dirname(interpreter);
      yield { file: join(near, beside, programName(near)), origin: "interpreter" };
      yield { file: programIn(interpreter, near), origin: "interpreter" };
    }
  }
  for (const folder of near.searchPath.split(flavour(near).delimiter)) {
    // A relative entry means a different program in every folder.
    if (!flavour(near).isAbsolute(folder)) continue;
    yield { file: join(near, folder, programName(near)), origin: "path" };
  }
  yield { file: programIn(near.environment, near), origin: "installed" };
}

/** The program `redraft` of a virtual environment. */
export function programIn(environment: string, near: Pick<Surroundings, "isWindows">): string {
  return join(near, environment, near.isWindows ? "Scripts" : "bin", programName(near));
}

function programName(near: Pick<Surroundings, "isWindows">): string {
  return near.isWindows ? "redraft.exe" : "redraft";
}

function join(near: Pick<Surroundings, "isWindows">, ...parts: string[]): string {
  return flavour(near).join(...parts);
}

function flavour(near: Pick<Surroundings, "isWindows">): path.PlatformPath {
  return near.isWindows ? path.win32 : path.posix;
}

/** Whether a file lies in the workspace, also by way of links. */
async function isOfWorkspace(near: Surroundings, file: string, files: Files): Promise<boolean> {
  const places = [file, await files.real(file)];
  for (const folder of near.folders) {
    const homes = [folder, await files.real(folder)];
    if (homes.some(home => places.some(place => isBelow(near, home, place)))) return true;
  }
  return false;
}

function isBelow(near: Surroundings, home: string, place: string): boolean {
  const relative = flavour(near).relative(home, place);
  return relative.split(flavour(near).sep)[0] !== ".." && !flavour(near).isAbsolute(relative);
}

/** Where a server comes from, for people. */
export const ORIGINS: Readonly<Record<Origin, string>> = {
  setting: "the setting redraft.path",
  workspace: "the workspace's virtual environment",
  interpreter: "the interpreter chosen in the Python extension",
  path: "the search path",
  installed: "the environment that Redraft installed",
};
