// The connection to the language server: finding it, starting it, starting it again when it ends.

import { access, constants, realpath, stat } from "node:fs/promises";
import * as os from "node:os";
import * as vscode from "vscode";
import { learnt } from "./actions";
import { Backoff } from "./backoff";
import type { Client } from "./client";
import { interpreter } from "./interpreter";
import type { Server } from "./locate";
import { located, ORIGINS } from "./locate";
import type { RewriteProgress, ServerStatus } from "./protocol";
import { PROGRESS } from "./protocol";
import type { State } from "./state";
import { INITIAL } from "./state";

// A machine under load takes its time to start an interpreter.
const START_MS = 60_000;

export class Session implements vscode.Disposable {
  private readonly stateChanged = new vscode.EventEmitter<State>();
  private readonly progressed = new vscode.EventEmitter<RewriteProgress>();
  private readonly started = new vscode.EventEmitter<void>();
  private readonly backoff = new Backoff();
  private current: State = INITIAL;
  private timer: NodeJS.Timeout | undefined;
  /** Starting and stopping happen one after the other. */
  private queue: Promise<void> = Promise.resolve();

  readonly onDidChangeState = this.stateChanged.event;
  readonly onProgress = this.progressed.event;
  readonly onDidStart = this.started.event;

  /** The client of the running server. */
  client: Client | undefined;
  /** The server that runs, or that was started last. */
  server: Server | undefined;
  learnt: ReadonlySet<string> = new Set();

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly environment: string,
  ) {}

  get state(): State {
    return this.current;
  }

  set(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    this.stateChanged.fire(this.current);
  }

  /** Start the server, or start it again. */
  restart(): Promise<void> {
    this.backoff.reset();
    this.abandonStart();
    return this.queued(() => this.begin());
  }

  /** Start another server if the search now finds one. */
  searchAgain(): Promise<void> {
    return this.queued(async () => {
      this.set({ isRestricted: !vscode.workspace.isTrusted });
      if (this.current.server === "stopped") return;
      const found = await this.search();
      if (this.client === undefined || JSON.stringify(found) !== JSON.stringify(this.server)) {
        this.backoff.reset();
        await this.begin(found);
      }
    });
  }

  /** Resolves once nobody is starting or stopping the server. */
  settled(): Promise<void> {
    return this.queue;
  }

  /** End the server; it stays ended until somebody asks for it. */
  stop(): Promise<void> {
    this.abandonStart();
    return this.queued(async () => {
      await this.end();
      this.set({ server: "stopped", message: undefined });
    });
  }

  async dispose(): Promise<void> {
    this.abandonStart();
    await this.queued(() => this.end());
    for (const emitter of [this.stateChanged, this.progressed, this.started]) emitter.dispose();
  }

  /** A server that hangs while it starts would keep everybody waiting. */
  private abandonStart(): void {
    if (this.current.server === "starting") void this.client?.end();
  }

  private queued(task: () => Promise<void>): Promise<void> {
    const next = this.queue.then(task, task);
    this.queue = next.catch(error => this.log.error(String(error)));
    return this.queue;
  }

  private async begin(found?: Server): Promise<void> {
    await this.end();
    this.set({ server: "searching", message: undefined, isRestricted: !vscode.workspace.isTrusted });
    const server = found ?? (await this.search());
    this.server = server;
    if (server === undefined) {
      this.log.warn("The language server was not found.");
      this.set({ server: "missing" });
      return;
    }
    this.log.info(`Found the server through ${ORIGINS[server.origin]}.`);
    this.set({ server: "starting" });
    // The client library takes longer to load than everything else; the editor need not wait for it.
    const { Client } = await import("./client");
    let isOver = false;
    const ended = (reason: string, isHopeless = false): void => {
      // A server that ends while it starts is reported twice; one that was to end is none of our business.
      if (isOver || this.client !== client) return;
      isOver = true;
      this.lost(reason, isHopeless);
    };
    const client: Client = new Client(
      server,
      this.folder(server),
      this.log,
      () => this.current.isSnoozed,
      // Exit code 0: somebody has stopped it, so it is not started again.
      code => (code === 0 ? this.dismissed(client) : ended("It ended.")),
    );
    this.client = client;
    client.onNotification(PROGRESS, (params: RewriteProgress) => this.progressed.fire(params));
    client.onNotification("experimental/serverStatus", (status: ServerStatus) =>
      this.set({
        health: status.health,
        isQuiescent: status.quiescent,
        message: status.message ?? undefined,
      }),
    );
    try {
      await withinTime(client.start(), START_MS);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException | undefined)?.code;
      const isHopeless = code === "ENOENT" || code === "EACCES" || code === "ENOTDIR";
      ended(error instanceof Error ? error.message : String(error), isHopeless);
      return;
    }
    if (isOver) return;
    const provider = client.initializeResult?.capabilities.codeActionProvider;
    const kinds = typeof provider === "object" ? (provider.codeActionKinds ?? []) : [];
    this.learnt = learnt(kinds);
    this.set({ server: "running", message: undefined });
    this.started.fire();
  }

  private async end(): Promise<void> {
    clearTimeout(this.timer);
    const client = this.client;
    this.client = undefined;
    this.set({ health: "ok", isQuiescent: true, message: undefined });
    await client?.end();
  }

  /** Somebody else has stopped the server; it stays ended until it is asked for something. */
  private dismissed(client: Client): void {
    if (this.client !== client) return;
    this.log.info("The language server was stopped.");
    this.client = undefined;
    void client.end();
    this.set({ server: "stopped", health: "ok", isQuiescent: true, message: undefined });
  }

  /** The server ended by itself. */
  private lost(reason: string, isHopeless: boolean): void {
    const client = this.client;
    this.client = undefined;
    void client?.end();
    const delay = isHopeless ? undefined : this.backoff.delay(Date.now());
    this.set({ health: "ok", isQuiescent: true });
    if (delay === undefined) {
      const message = isHopeless
        ? `Redraft's language server cannot be started; check the setting redraft.path (${reason}).`
        : "Redraft's language server ended too often and is not started again.";
      this.log.error(`${message} ${reason}`);
      this.set({ server: "failed", message });
      void this.offerRestart(message);
      return;
    }
    this.log.warn(`The language server ended; starting it again in ${delay / 1000} s. ${reason}`);
    this.set({ server: "waiting", message: undefined });
    this.timer = setTimeout(() => void this.queued(() => this.begin()), delay);
  }

  private async offerRestart(message: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(message, "Restart", "Show log");
    if (choice === "Restart") await this.restart();
    if (choice === "Show log") this.log.show();
  }

  private async search(): Promise<Server | undefined> {
    const { isTrusted, workspaceFolders } = vscode.workspace;
    const folders = (workspaceFolders ?? []).map(each => each.uri).filter(uri => uri.scheme === "file");
    return located(
      {
        isTrusted,
        isWindows: process.platform === "win32",
        configured: vscode.workspace.getConfiguration("redraft").get<string[]>("path", []),
        folders: folders.map(uri => uri.fsPath),
        interpreter: () => interpreter(folders[0], this.log),
        searchPath: process.env.PATH ?? "",
        environment: this.environment,
      },
      { isProgram, real },
    );
  }

  /** Where the server runs. A relative path in the user's command means the workspace, if that is trusted. */
  private folder(server: Server): string {
    const folder = vscode.workspace.workspaceFolders?.find(each => each.uri.scheme === "file");
    const isHere = server.origin === "setting" && vscode.workspace.isTrusted;
    return isHere && folder !== undefined ? folder.uri.fsPath : os.homedir();
  }
}

/** `promise`, rejected after `ms` milliseconds. */
async function withinTime<T>(promise: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`The server did not answer within ${ms / 1000} s.`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function real(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    return file;
  }
}
