/** What all tests of a run share: a VS Code with the packaged extension, a browser, and the commands that start servers. */

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type BrowserContext, chromium as playwright } from "playwright-core";
import { chromium, type Installation, installed, RELEASES } from "./install.ts";
import { CodeServer, installExtension } from "./server.ts";

export const ROOT = path.resolve(import.meta.dirname, "../../../..");
export const CACHE = path.resolve(ROOT, process.env.VSCODE_CACHE ?? "build/vscode");
export const SCREENSHOTS = path.join(ROOT, "build/vscode/screenshots");
/** Where the tests of the extension host are bundled to. */
export const HOST_TESTS = path.join(ROOT, "build/vscode/host");
/** The Python that Redraft is installed for. */
export const PYTHON = path.join(ROOT, process.env.VENV ?? ".venv", "bin/python");

const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Whatever else the browser itself would look up stays unanswered and unasked.
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

export interface Rig {
  readonly installation: Installation;
  /** The folder with the installed extension. */
  readonly extensions: string;
  /** A folder for sockets and logs of Redraft. */
  readonly folder: string;
  /** What the pages share: a cache on disk, so that only the first one takes long to load. */
  readonly context: BrowserContext;
  readonly server: CodeServer;
  /** What is in the environment of the server besides what is in ours. */
  readonly environment: NodeJS.ProcessEnv;
  /** Addresses beyond this machine that a page has asked for. */
  readonly requested: readonly string[];
}

/** A rig with the packaged extension `vsix` in the release of VS Code called `name`. */
export async function setUp(name: keyof typeof RELEASES, vsix: string): Promise<Rig> {
  const installation = installed(RELEASES[name], CACHE);
  mkdirSync(SCREENSHOTS, { recursive: true });
  const folder = mkdtempSync(path.join(tmpdir(), "redraft-rig-"));
  const extensions = path.join(folder, "extensions");
  installExtension(installation, vsix, extensions);
  const context = await playwright.launchPersistentContext(path.join(folder, "browser"), {
    executablePath: chromium(),
    headless: true,
    args: ARGUMENTS,
    viewport: { width: 1280, height: 800 },
  });
  const requested: string[] = [];
  context.on("request", request => {
    if (/^(https?|wss?):/.test(request.url()) && new URL(request.url()).hostname !== "127.0.0.1") {
      requested.push(request.url());
    }
  });
  const environment = surroundings(folder);
  const server = await CodeServer.start(installation, extensions, { environment });
  return { installation, extensions, folder, context, server, environment, requested };
}

export async function tearDown(rig: Rig): Promise<void> {
  await rig.context.close();
  await rig.server.stop();
  rmSync(rig.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

/** The `redraft` of this repository is the first on the path, and its daemon meets no one else's. */
export function surroundings(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: `${path.dirname(PYTHON)}:${process.env.PATH}`,
    REDRAFT_RUNTIME_DIR: path.join(folder, "run"),
    REDRAFT_LOG_DIR: path.join(folder, "log"),
  };
}

/** The command of the real server whose engine does what documents tell it; `log` says what the engine did. */
export function fakeServer(log: string, ...options: string[]): string[] {
  return [PYTHON, path.join(ROOT, "tests/lsp_server/serve_fake.py"), log, ...options];
}

/** The same behind the real daemon. */
export function fakeDaemon(log: string): string[] {
  return [PYTHON, path.join(ROOT, "tests/lsp_server/serve_fake_daemon.py"), log, "join"];
}

/** `command` with a log of what is said to it and by it; see tee.ts. */
export function overheard(log: string, command: readonly string[]): string[] {
  return [process.execPath, path.join(import.meta.dirname, "tee.ts"), log, ...command];
}
