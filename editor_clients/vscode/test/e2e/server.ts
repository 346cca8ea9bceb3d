/** One running VS Code: its process, its profile and its settings. Knows nothing of the browser that looks at it. */

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Installation } from "./install.ts";
import { until } from "./until.ts";

export type Settings = Readonly<Record<string, unknown>>;

/** What every test wants: no pictures that move by themselves, nothing that asks for the network. */
const QUIET: Settings = {
  "chat.disableAIFeatures": true,
  "editor.accessibilitySupport": "off",
  "editor.cursorBlinking": "solid",
  "editor.inlineSuggest.enabled": true,
  "extensions.autoCheckUpdates": false,
  "extensions.autoUpdate": false,
  "extensions.ignoreRecommendations": true,
  "git.enabled": false,
  "telemetry.telemetryLevel": "off",
  "update.mode": "none",
  "window.dialogStyle": "custom",
  "workbench.enableExperiments": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "workbench.startupEditor": "none",
};

interface Options {
  /** Ask before a workspace is trusted; else all are. */
  readonly asksForTrust?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
}

export class CodeServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #home: string;

  private constructor(port: number, home: string, process: ChildProcess) {
    this.port = port;
    this.#home = home;
    this.#process = process;
  }

  /** A server that answers, with a profile of its own and the extensions of the folder `extensions`. */
  static async start(
    installation: Installation,
    extensions: string,
    options: Options = {},
  ): Promise<CodeServer> {
    const home = mkdtempSync(path.join(tmpdir(), "redraft-vscode-"));
    const log = openSync(path.join(home, "server.log"), "w");
    const port = await freePort();
    const child = spawn(
      installation.node,
      [
        ...baseOptions(installation, home, extensions),
        ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`],
        ...["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"],
        ...(options.asksForTrust ? [] : ["--disable-workspace-trust"]),
      ],
      // A group of its own: extension hosts wait for hours for a browser to come back.
      { env: { ...environment(home), ...options.environment }, stdio: ["ignore", log, log], detached: true },
    );
    closeSync(log);
    const server = new CodeServer(port, home, child);
    server.set({});
    try {
      await until("the server answers", async () => {
        if (child.exitCode !== null) {
          throw new Error(`code-server ended with ${child.exitCode}: ${server.log}`);
        }
        return await isHealthy(port);
      });
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  /** What it has printed. */
  get log(): string {
    return readFileSync(path.join(this.#home, "server.log"), "utf8");
  }

  /** Replace the settings; a browser that is looking takes them over. */
  set(settings: Settings): void {
    const text = JSON.stringify({ ...QUIET, ...settings }, undefined, 2);
    // Settings of the scope `machine` count only where the server runs, all others only in the user's file.
    for (const folder of ["User", "Machine"]) {
      mkdirSync(path.join(this.#home, folder), { recursive: true });
      writeFileSync(path.join(this.#home, folder, "settings.json"), text);
    }
  }

  /** The address that opens `folder`. */
  address(folder: string, payload: readonly (readonly [string, string])[] = []): string {
    const query = new URLSearchParams({ folder });
    if (payload.length > 0) {
      query.set("payload", JSON.stringify(payload));
    }
    return `http://127.0.0.1:${this.port}/?${query}`;
  }

  async stop(): Promise<void> {
    const ended = this.#process.exitCode === null ? once(this.#process, "exit") : Promise.resolve();
    signal(this.#process, "SIGTERM");
    const timer = setTimeout(() => signal(this.#process, "SIGKILL"), 3000);
    await ended;
    clearTimeout(timer);
    signal(this.#process, "SIGKILL");
    rmSync(this.#home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Install the packaged extension `vsix` into the folder `extensions`. */
export function installExtension(installation: Installation, vsix: string, extensions: string): void {
  const home = mkdtempSync(path.join(tmpdir(), "redraft-vscode-"));
  try {
    const command = [...baseOptions(installation, home, extensions), "--install-extension", vsix, "--force"];
    execFileSync(installation.node, command, { env: environment(home), stdio: "pipe" });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function baseOptions(installation: Installation, home: string, extensions: string): string[] {
  const config = path.join(home, "config.yaml");
  writeFileSync(config, "");
  return [installation.entry, "--config", config, "--user-data-dir", home, "--extensions-dir", extensions];
}

function environment(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    // Nothing is read from or written to the home of who runs the tests; no extension gallery is asked.
    HOME: home,
    XDG_CONFIG_HOME: home,
    XDG_CACHE_HOME: home,
    XDG_DATA_HOME: home,
    // Else VS Code would ask a login shell for the search path, which has no say in what is tested here.
    VSCODE_CLI: "1",
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
  };
}

async function isHealthy(port: number): Promise<boolean> {
  try {
    return (await fetch(`http://127.0.0.1:${port}/healthz`)).ok;
  } catch {
    return false;
  }
}

function signal(process_: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-(process_.pid ?? 0), name);
  } catch {
    // It has ended already.
  }
}

async function freePort(): Promise<number> {
  const listener = net.createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as net.AddressInfo;
  listener.close();
  await once(listener, "close");
  return port;
}
