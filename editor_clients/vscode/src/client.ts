// The language client: Microsoft's own, with what is particular to Redraft.

import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import * as vscode from "vscode";
import type {
  DynamicFeature,
  LanguageClientOptions,
  Middleware,
  StaticFeature,
} from "vscode-languageclient/node";
import {
  CloseAction,
  DidChangeConfigurationNotification,
  ErrorAction,
  LanguageClient,
  RevealOutputChannelOn,
} from "vscode-languageclient/node";
import { FIX_ALL } from "./actions";
import { Keystrokes } from "./keystrokes";
import type { Server } from "./locate";
import type { RewriteRequest } from "./rewrite-request";
import { RUN } from "./rewrite-request";
import { isReviewed, SELECTOR } from "./scope";
import { serverSettings } from "./settings";
import { parsed, spawned } from "./spawn";

// A server that takes longer than this to say goodbye is ended.
const PATIENCE_MS = 2_000;

export class Client extends LanguageClient {
  private readonly child: () => ChildProcess | undefined;
  private readonly keystrokes: Keystrokes;

  /** `isQuiet` says whether nothing is to be suggested at the moment; `onEnd` gets its exit code when the server ends by itself. */
  constructor(
    server: Server,
    cwd: string,
    log: vscode.LogOutputChannel,
    isQuiet: () => boolean,
    onEnd: (code: number | null) => void,
  ) {
    let child: ChildProcess | undefined;
    const options: LanguageClientOptions = {
      documentSelector: SELECTOR,
      outputChannel: log,
      // What fails is said by whoever asked for it, in a sentence.
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: settingsOf(undefined),
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        // A new client is started by the session, which knows how often that has been.
        closed: () => {
          void exitCode(child).then(onEnd);
          return { action: CloseAction.DoNotRestart, handled: true, message: "The server ended." };
        },
      },
      middleware: {
        ...middleware(() => this),
        provideInlineCompletionItems: (...asked) => this.keystrokes.provide(...asked),
      },
      stdioOptions: {
        stdout: () => {},
        stderr: (input, output) => {
          createInterface({ input }).on("line", line => {
            const { level, message } = parsed(line);
            output[level](message);
          });
        },
      },
    };
    super("redraft", "Redraft", async () => (child = await spawned(server, cwd, log)), options);
    this.child = () => child;
    this.keystrokes = new Keystrokes(this, isQuiet);
    this.registerFeature(new Announcement());
  }

  /** End the connection and the process, whatever state they are in. */
  async end(): Promise<void> {
    this.keystrokes.dispose();
    try {
      await this.dispose(PATIENCE_MS);
    } catch {
      // It has not started, or it has ended by itself.
    }
    const child = this.child();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.stdin?.end();
    const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    child.once("exit", () => clearTimeout(timer));
  }

  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    // The server's commands are named like ours, and the editor knows each name once.
    if ("registrationType" in feature && feature.registrationType.method === "workspace/executeCommand")
      return;
    super.registerFeature(feature);
  }
}

/** The exit code of a process whose output has ended; null if it has none, or takes its time. */
async function exitCode(child: ChildProcess | undefined): Promise<number | null> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null)
    return child?.exitCode ?? null;
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(null), PATIENCE_MS);
    child.once("exit", code => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** Announces that the client understands the server's status notifications. */
class Announcement implements StaticFeature {
  fillClientCapabilities(capabilities: { experimental?: unknown }): void {
    capabilities.experimental = { serverStatusNotification: true };
  }
  initialize(): void {}
  getState(): { kind: "static" } {
    return { kind: "static" };
  }
  clear(): void {}
}

function middleware(client: () => LanguageClient | undefined): Middleware {
  return {
    workspace: {
      configuration: (params, token, next) =>
        params.items.every(item => item.section === "redraft")
          ? params.items.map(item =>
              settingsOf(item.scopeUri ? vscode.Uri.parse(item.scopeUri, true) : undefined),
            )
          : next(params, token),
      didChangeConfiguration: async () =>
        client()?.sendNotification(DidChangeConfigurationNotification.type, {
          settings: { redraft: settingsOf(undefined) },
        }),
    },
    provideCodeActions: async (document, range, context, token, next) => {
      const actions = await next(document, range, context, token);
      if (!isReviewed(document)) return actions;
      return actions?.map(action =>
        action instanceof vscode.CodeAction ? reviewable(action, document, range) : action,
      );
    },
    // The editor resolves what has no edit; the edit of a reviewable action comes from its command.
    resolveCodeAction: async (action, token, next) => {
      if (action.command?.command === RUN) return action;
      if (action.kind?.value !== FIX_ALL) return next(action, token);
      try {
        return await next(action, token);
      } catch (error) {
        // It may have been the editor that asked, because a file was saved; nobody wants to be stopped by that.
        vscode.window.setStatusBarMessage(error instanceof Error ? error.message : String(error), 5000);
        return action;
      }
    },
  };
}

/** `action` as a command that leads to a review. What runs when a file is saved stays an edit. */
function reviewable(
  action: vscode.CodeAction,
  document: vscode.TextDocument,
  range: vscode.Range,
): vscode.CodeAction {
  const { data } = action as { data?: unknown };
  if (data === undefined || action.disabled !== undefined || action.kind?.value === FIX_ALL) return action;
  const request: RewriteRequest = { uri: document.uri.toString(), kind: action.kind?.value ?? "", range };
  action.command = { title: action.title, command: RUN, arguments: [data, request] };
  return action;
}

function settingsOf(uri: vscode.Uri | undefined): Record<string, unknown> {
  const scope: vscode.ConfigurationScope =
    uri === undefined ? { languageId: "python" } : { uri, languageId: "python" };
  const section = vscode.workspace.getConfiguration("redraft", scope);
  return serverSettings(name => section.inspect(name));
}
