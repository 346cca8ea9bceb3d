// Where the language server is. Looks into nothing but the files it is given.

import * as path from "node:path";

export type Origin = "setting" | "workspace" | "interpreter" | "path" | "installed";

/** A command that starts the server, and why this one. */
export interface Server {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: Origin;
}

/** What the search knows of the machine and of the user's wishes. */
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

export type IsProgram = (file: string) => Promise<boolean>;

const ARGUMENTS = ["lsp"];

/** The server to start; undefined if there is none. In an untrusted workspace none of its files is a candidate. */
export async function located(near: Surroundings, isProgram: IsProgram): Promise<Server | undefined> {
  const [command, ...args] = near.configured;
  if (command !== undefined) return { command, args, origin: "setting" };
  for await (const { file, origin } of candidates(near)) {
    if (await isProgram(file)) return { command: file, args: ARGUMENTS, origin };
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
    if (!flavour(near).isAbsolute(folder) || (!near.isTrusted && isBelow(near, folder))) continue;
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

function isBelow(near: Surroundings, folder: string): boolean {
  return near.folders.some(each => {
    const relative = flavour(near).relative(each, folder);
    return !relative.startsWith("..") && !flavour(near).isAbsolute(relative);
  });
}

/** Where a server comes from, for people. */
export const ORIGINS: Readonly<Record<Origin, string>> = {
  setting: "the setting redraft.path",
  workspace: "the workspace's virtual environment",
  interpreter: "the interpreter chosen in the Python extension",
  path: "the search path",
  installed: "the environment that Redraft installed",
};
