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
  /** The interpreter that was chosen in the Python extension. */
  readonly interpreter: string | undefined;
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
  for (const { file, origin } of candidates(near)) {
    if (await isProgram(file)) return { command: file, args: ARGUMENTS, origin };
  }
  return undefined;
}

function candidates(near: Surroundings): { file: string; origin: Origin }[] {
  const found: { file: string; origin: Origin }[] = [];
  if (near.isTrusted) {
    for (const folder of near.folders) {
      for (const name of [".venv", "venv"]) {
        found.push({ file: programIn(folderOf(near, folder, name), near), origin: "workspace" });
      }
    }
    if (near.interpreter !== undefined) {
      // Some name the interpreter, some its environment.
      const beside = flavour(near).dirname(near.interpreter);
      found.push({ file: folderOf(near, beside, programName(near)), origin: "interpreter" });
      found.push({ file: programIn(near.interpreter, near), origin: "interpreter" });
    }
  }
  for (const folder of near.searchPath.split(flavour(near).delimiter)) {
    // A relative entry means a different program in every folder.
    if (!flavour(near).isAbsolute(folder) || (!near.isTrusted && isBelow(near, folder))) continue;
    found.push({ file: folderOf(near, folder, programName(near)), origin: "path" });
  }
  found.push({ file: programIn(near.environment, near), origin: "installed" });
  return found;
}

/** The program `redraft` of a virtual environment. */
export function programIn(environment: string, near: Pick<Surroundings, "isWindows">): string {
  return folderOf(near, environment, near.isWindows ? "Scripts" : "bin", programName(near));
}

function programName(near: Pick<Surroundings, "isWindows">): string {
  return near.isWindows ? "redraft.exe" : "redraft";
}

function folderOf(near: Pick<Surroundings, "isWindows">, ...parts: string[]): string {
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
