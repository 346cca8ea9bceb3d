// The process of the server, and what it says on stderr.

import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import type { LogOutputChannel } from "vscode";
import type { Server } from "./locate";

/** The running server. Rejects if it cannot be started. */
export function spawned(server: Server, cwd: string, log: LogOutputChannel): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    log.info(`Starting ${[server.command, ...server.args].join(" ")}`);
    const child = spawn(server.command, [...server.args], { cwd, windowsHide: true });
    child.once("error", reject);
    child.once("spawn", () => resolve(child));
    child.once("exit", (code, signal) => log.info(`The server ended (${signal ?? `exit code ${code}`}).`));
  });
}

/** The level and the message of a line of the server's log. */
export function parsed(line: string): { level: "debug" | "info" | "warn" | "error"; message: string } {
  const found = /^(DEBUG|INFO|WARNING|ERROR|CRITICAL) (.*)$/.exec(line);
  if (found === null) return { level: "info", message: line };
  const levels = {
    DEBUG: "debug",
    INFO: "info",
    WARNING: "warn",
    ERROR: "error",
    CRITICAL: "error",
  } as const;
  return { level: levels[found[1] as keyof typeof levels], message: found[2] as string };
}
