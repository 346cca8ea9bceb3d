// Puts the parts together when the editor opens a Python file, and takes them apart again.

import * as vscode from "vscode";
import { ACTIONS } from "./actions";
import { setContext } from "./contexts";
import { Installer } from "./installer";
import { onInterpreter } from "./interpreter";
import type { CodeActionData } from "./protocol";
import { Reviews } from "./reviews";
import type { RewriteRequest } from "./rewrite-request";
import { RUN } from "./rewrite-request";
import { Rewriter } from "./rewriter";
import { Session } from "./session";
import { Snooze } from "./snooze";
import type { State } from "./state";
import { Status } from "./status";

let session: Session | undefined;

/** What other extensions, and tests, may know. */
export interface Api {
  readonly state: State;
  /** Resolves once nobody is starting or stopping the server. */
  settled(): Promise<void>;
}

export function activate(context: vscode.ExtensionContext): Api {
  const log = vscode.window.createOutputChannel("Redraft", { log: true });
  const environment = vscode.Uri.joinPath(context.globalStorageUri, "server").fsPath;
  const current = new Session(log, environment);
  session = current;
  const reviews = new Reviews();
  const rewriter = new Rewriter(current, reviews, log);
  const status = new Status(current);
  const snooze = new Snooze(current);
  const installer = new Installer(current, log, environment, context.extension.packageJSON.version);
  context.subscriptions.push(log, reviews, rewriter, status, snooze, installer);

  const commands: Record<string, (...args: never[]) => unknown> = {
    repairFile: () => rewriter.repairFile(),
    acceptAll: () => reviews.acceptAll(),
    rejectAll: () => reviews.rejectAll(),
    acceptHunk: (uri?: string, id?: number) => reviews.acceptHunk(uri, id),
    rejectHunk: (uri?: string, id?: number) => reviews.rejectHunk(uri, id),
    nextHunk: () => reviews.go(1),
    previousHunk: () => reviews.go(-1),
    compare: () => reviews.compare(),
    undoLast: () => reviews.undoLast(),
    again: () => rewriter.again(),
    cancel: () => rewriter.cancel(),
    restart: () => current.restart(),
    stopServer: () => current.stop(),
    installServer: () => installer.install(),
    showLog: () => log.show(),
    status: () => status.pick(),
    snooze: (minutes?: unknown) => snooze.begin(minutes),
    unsnooze: () => snooze.end(),
  };
  for (const { name } of ACTIONS) commands[name] = () => rewriter.rewrite(name);
  for (const [name, command] of Object.entries(commands)) {
    context.subscriptions.push(vscode.commands.registerCommand(`redraft.${name}`, command));
  }

  context.subscriptions.push(
    vscode.commands.registerCommand(RUN, (data: CodeActionData, request: RewriteRequest) =>
      rewriter.run(data, request),
    ),
    current.onDidStart(() => {
      for (const { name } of ACTIONS) setContext(`learnt.${name}`, current.learnt.has(name));
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(async () => {
      await current.searchAgain();
      await followInterpreter();
    }),
    vscode.workspace.onDidChangeWorkspaceFolders(() => current.searchAgain()),
    vscode.workspace.onDidChangeConfiguration(event => {
      if (event.affectsConfiguration("redraft.path")) void current.searchAgain();
    }),
  );
  const followInterpreter = async (): Promise<void> => {
    if (!vscode.workspace.isTrusted) return;
    const listening = await onInterpreter(log, () => void current.searchAgain());
    if (listening !== undefined) context.subscriptions.push(listening);
  };
  void current.restart().then(followInterpreter);
  return {
    get state() {
      return current.state;
    },
    settled: () => current.settled(),
  };
}

export async function deactivate(): Promise<void> {
  await session?.dispose();
}
