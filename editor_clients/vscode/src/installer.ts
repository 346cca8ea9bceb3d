// Installs the server when the user asks for it, into an environment of the extension's own. The only part that
// leads to a connection: uv or pip make it.

import { execFile, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import { promisify } from "node:util";
import * as vscode from "vscode";
import type { Command, Tool } from "./installation";
import { commandsFor, isNewEnough, typed } from "./installation";
import type { Session } from "./session";

const run = promisify(execFile);
const IS_WINDOWS = process.platform === "win32";
const PYTHONS = IS_WINDOWS ? ["python"] : ["python3", "python3.14", "python3.13", "python3.12", "python3.11"];

export class Installer implements vscode.Disposable {
  private readonly listening: vscode.Disposable;
  private hasOffered = false;

  constructor(
    private readonly session: Session,
    private readonly log: vscode.LogOutputChannel,
    private readonly environment: string,
    private readonly version: string,
  ) {
    this.listening = session.onDidChangeState(({ server }) => {
      if (server === "missing" && !this.hasOffered) void this.offer();
    });
  }

  dispose(): void {
    this.listening.dispose();
  }

  /** Install the server, after the user has seen the commands and agreed. */
  async install(): Promise<void> {
    const tool = await this.tool();
    if (tool === undefined) {
      void vscode.window.showErrorMessage(
        "Install Python 3.11 or newer, or uv, to install Redraft's server.",
      );
      return;
    }
    const what = await this.chosen();
    if (what === undefined) return;
    const commands = commandsFor(tool, this.environment, what, IS_WINDOWS);
    const choice = await vscode.window.showInformationMessage(
      "Install Redraft's language server?",
      { modal: true, detail: `These commands will be run:\n\n${commands.map(typed).join("\n\n")}` },
      "Install",
    );
    if (choice !== "Install") return;
    try {
      await this.carryOut(commands);
    } catch (error) {
      const message = `The server was not installed: ${error instanceof Error ? error.message : error}`;
      this.log.error(message);
      const choice = await vscode.window.showErrorMessage(message, "Show log");
      if (choice === "Show log") this.log.show();
      return;
    }
    await this.session.restart();
  }

  private async offer(): Promise<void> {
    this.hasOffered = true;
    const choice = await vscode.window.showWarningMessage(
      "Redraft's language server was not found. It can be installed, or redraft.path can say where it is.",
      "Install…",
      "Open settings",
    );
    if (choice === "Install…") await this.install();
    if (choice === "Open settings") {
      await vscode.commands.executeCommand("workbench.action.openSettings", "redraft.path");
    }
  }

  /** What to install: the version that fits this extension, or something that lies on this machine. */
  private async chosen(): Promise<string | undefined> {
    const released = `redraft==${this.version}`;
    const items = [
      { label: released, description: "from the package index that uv or pip is set up for" },
      { label: "A wheel…", description: "a file on this machine" },
      { label: "A folder…", description: "Redraft's source code on this machine" },
    ];
    const item = await vscode.window.showQuickPick(items, {
      title: "Redraft",
      placeHolder: "What is to be installed?",
    });
    if (item === undefined || item.label === released) return item?.label;
    const isFolder = item.label === "A folder…";
    const found = await vscode.window.showOpenDialog({
      canSelectFiles: !isFolder,
      canSelectFolders: isFolder,
      ...(isFolder ? {} : { filters: { Wheels: ["whl"] } }),
    });
    return found?.[0]?.fsPath;
  }

  private async tool(): Promise<Tool | undefined> {
    const folder = { cwd: os.homedir() };
    // A relative entry of the search path would find what lies in the workspace.
    const env = { ...process.env, PATH: absolute(process.env.PATH ?? "") };
    try {
      await run("uv", ["--version"], { ...folder, env });
      return { kind: "uv", program: "uv" };
    } catch {
      // Python will do.
    }
    for (const program of PYTHONS) {
      try {
        const { stdout } = await run(program, ["--version"], { ...folder, env });
        if (isNewEnough(stdout)) return { kind: "pip", program };
      } catch {
        // The next one.
      }
    }
    return undefined;
  }

  private async carryOut(commands: readonly Command[]): Promise<void> {
    await mkdir(path.dirname(this.environment), { recursive: true });
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: "Redraft: installing the server",
      cancellable: true,
    };
    await vscode.window.withProgress(options, async (progress, token) => {
      for (const command of commands) {
        this.log.info(typed(command));
        await this.carriedOut(command, line => progress.report({ message: line }), token);
      }
    });
  }

  private carriedOut(
    [program, ...args]: Command,
    say: (line: string) => void,
    token: vscode.CancellationToken,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = spawn(program, args, { cwd: os.homedir(), windowsHide: true });
      token.onCancellationRequested(() => child.kill());
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          const lines = text.split(/\r?\n|\r/).filter(line => line.trim() !== "");
          for (const line of lines) this.log.info(line);
          const last = lines.at(-1);
          if (last !== undefined) say(last.slice(0, 80));
        });
      }
      child.once("error", reject);
      child.once("close", code => {
        if (token.isCancellationRequested) reject(new Error("it was cancelled"));
        else if (code === 0) resolve();
        else reject(new Error(`${program} ended with exit code ${code}`));
      });
    });
  }
}

function absolute(searchPath: string): string {
  return searchPath
    .split(path.delimiter)
    .filter(folder => path.isAbsolute(folder))
    .join(path.delimiter);
}
