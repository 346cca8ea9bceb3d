// How the server is installed: the commands, as they are shown and run. Runs nothing.

import * as path from "node:path";

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

/** What installs packages here: uv, or a Python that is new enough. */
export interface Tool {
  readonly kind: "uv" | "pip";
  readonly program: string;
}

/** The commands that make `environment` and install `what` into it. */
export function commandsFor(tool: Tool, environment: string, what: string, isWindows: boolean): Command[] {
  const flavour = isWindows ? path.win32 : path.posix;
  const python = isWindows
    ? flavour.join(environment, "Scripts", "python.exe")
    : flavour.join(environment, "bin", "python");
  if (tool.kind === "uv") {
    return [
      [tool.program, "venv", "--allow-existing", "--python", ">=3.11", environment],
      [tool.program, "pip", "install", "--python", python, "--upgrade", what],
    ];
  }
  return [
    [tool.program, "-m", "venv", environment],
    [python, "-m", "pip", "install", "--disable-pip-version-check", "--upgrade", what],
  ];
}

/** A command as it would be typed. */
export function typed(command: Command): string {
  return command
    .map(part => (/^[\w@%+=:,./\\~-]+$/.test(part) ? part : `"${part.replaceAll('"', '\\"')}"`))
    .join(" ");
}

/** Whether `python --version` said a version that Redraft runs on. */
export function isNewEnough(version: string): boolean {
  const found = /Python (\d+)\.(\d+)/.exec(version);
  return found !== null && (Number(found[1]) > 3 || (Number(found[1]) === 3 && Number(found[2]) >= 11));
}
