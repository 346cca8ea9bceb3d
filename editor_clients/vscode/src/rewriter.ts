// Running rewrites: one for a document. From what the user asks for to an edit, by way of a code action of the server.

import * as vscode from "vscode";
import { kindOf, notLearnt, QUICK_FIX, REWRITES } from "./actions";
import { listedAction, preview } from "./code-actions";
import { setContext } from "./contexts";
import { changesOf, edited } from "./documents";
import { around } from "./paragraph";
import type { CodeActionData, ListedAction, Preview } from "./protocol";
import { editsOf, isRefusal } from "./protocol";
import type { Reviews } from "./reviews";
import type { RewriteRequest } from "./rewrite-request";
import { Run } from "./run";
import { notify } from "./run-notification";
import { isReviewed, SELECTOR } from "./scope";
import type { Session } from "./session";
import { appearance } from "./state";

export class Rewriter implements vscode.Disposable {
  private readonly runs = new Map<vscode.TextDocument, Run>();
  private readonly disposables: vscode.Disposable[] = [];
  private last: RewriteRequest | undefined;

  constructor(
    private readonly session: Session,
    private readonly reviews: Reviews,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.disposables.push(
      session.onProgress(progress => {
        for (const run of this.runs.values()) {
          if (run.token === progress.token) run.draw(progress);
        }
      }),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.contentChanges.length > 0) this.runs.get(event.document)?.follow(changesOf(event));
      }),
      vscode.workspace.onDidCloseTextDocument(document => this.runs.get(document)?.cancel()),
      vscode.window.onDidChangeActiveTextEditor(() => this.publish()),
    );
  }

  dispose(): void {
    for (const run of this.runs.values()) run.cancel();
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** Do `name` with the selection, or with what is around the cursor. */
  async rewrite(name: string): Promise<void> {
    const editor = this.editor();
    if (editor === undefined || !(await this.isReady())) return;
    if (!this.session.learnt.has(name)) {
      void vscode.window.showWarningMessage(notLearnt(name));
      return;
    }
    const { document, selection } = editor;
    if (name === "repair" && selection.isEmpty) {
      // What is wrong near the cursor may have its cause elsewhere, which is what the quick fix is for.
      const here = document.lineAt(selection.active.line).range;
      if (await this.request({ uri: document.uri.toString(), kind: QUICK_FIX, range: here })) return;
    }
    const range = selection.isEmpty
      ? paragraph(document, selection.active.line)
      : new vscode.Range(selection.start, selection.end);
    if (!(await this.request({ uri: document.uri.toString(), kind: kindOf(name), range }))) {
      void vscode.window.showWarningMessage(
        "There is nothing here for Redraft to work on; select some code.",
      );
    }
  }

  /** Repair whatever is wrong in the file; one that parses is looked through for what the model doubts. */
  async repairFile(): Promise<void> {
    const editor = this.editor();
    if (editor === undefined || !(await this.isReady())) return;
    const { document } = editor;
    const range = new vscode.Range(document.positionAt(0), document.positionAt(document.getText().length));
    const uri = document.uri.toString();
    if (await this.request({ uri, kind: QUICK_FIX, range, isWhole: true })) return;
    if (await this.request({ uri, kind: kindOf("repair"), range, isWhole: true })) return;
    void vscode.window.showWarningMessage("There is nothing here for Redraft to work on.");
  }

  /** The last rewrite once more; one that is under review is taken back first. */
  async again(): Promise<void> {
    const request = this.last;
    const document =
      request && vscode.workspace.textDocuments.find(each => each.uri.toString() === request.uri);
    if (request === undefined || document === undefined) {
      void vscode.window.showWarningMessage("There is no rewrite to run again.");
      return;
    }
    if (!(await this.isReady())) return;
    await this.reviews.rejectAll(document);
    if (!(await this.request({ ...request, seed: (request.seed ?? 0) + 1 }))) {
      void vscode.window.showWarningMessage("There is nothing left to rewrite in that place.");
    }
  }

  /** Stop what runs in the active document, or everywhere if nothing runs there. */
  cancel(): void {
    const active = vscode.window.activeTextEditor?.document;
    const here = active && this.runs.get(active);
    for (const run of here === undefined ? this.runs.values() : [here]) run.cancel();
  }

  /** Carry out the code action with `data`, which answers `request`. */
  async run(data: CodeActionData, request: RewriteRequest): Promise<void> {
    const { client } = this.session;
    const document = this.documentOf(data);
    if (client === undefined || document === undefined) {
      void vscode.window.showWarningMessage(
        "Redraft's language server is not running, or the document is closed.",
      );
      return;
    }
    // The model works with the text as it stands, so an open review ends with its changes accepted.
    this.reviews.acceptAll(document);
    this.last = request;
    this.runs.get(document)?.cancel();
    const run = new Run(document, data);
    this.runs.set(document, run);
    run.stepped.event(() => this.publish());
    this.publish();
    try {
      const answered = preview(client, data, run.token, run.cancellation.token);
      notify(run, answered);
      await this.carryOut(run, answered);
    } finally {
      if (this.runs.get(document) === run) this.runs.delete(document);
      run.dispose();
      this.publish();
    }
  }

  private async carryOut(run: Run, answered: Promise<Preview>): Promise<void> {
    let result: Preview;
    try {
      result = await answered;
    } catch (error) {
      this.explain(run, error);
      return;
    }
    if (run.isCancelled) {
      this.explain(run, undefined);
      return;
    }
    const found = run.placed(editsOf(result));
    run.canvas.dispose();
    if (found === undefined) {
      const message = "The text that Redraft was working on has changed in the meantime; ask again.";
      void vscode.window.showWarningMessage(message);
    } else if (found.length === 0) {
      void vscode.window.showInformationMessage("Redraft found nothing to change.");
    } else if (isReviewed(run.document)) {
      await this.reviews.open(run.document, found, run.data.title, result.uri);
    } else if (!(await edited(run.document, found, { before: true, after: true }))) {
      void vscode.window.showWarningMessage("The editor did not apply the rewrite; ask again.");
    }
  }

  /** Say why there is no result, unless the user knows. */
  private explain(run: Run, error: unknown): void {
    if (run.isCancelled) {
      if (run.reason !== undefined) vscode.window.setStatusBarMessage(run.reason, 5000);
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    this.log.info(`A rewrite failed: ${message}`);
    void vscode.window.showWarningMessage(
      isRefusal(error) ? message : `Redraft's language server could not finish the rewrite: ${message}`,
    );
  }

  /** Ask the server for the code action of `request` and carry it out; false if the server offers none. */
  private async request(request: RewriteRequest): Promise<boolean> {
    const { client } = this.session;
    if (client === undefined) return false;
    let action: ListedAction | undefined;
    try {
      action = await listedAction(client, request);
    } catch (error) {
      this.log.info(`Listing the rewrites failed: ${error}`);
      return false;
    }
    if (action === undefined) return false;
    if (action.disabled !== undefined) {
      // Somebody else's reason is no answer to the question for a quick fix.
      if (!request.kind.startsWith(REWRITES)) return false;
      void vscode.window.showWarningMessage(action.disabled.reason);
      return true;
    }
    const { seed } = request;
    const data = action.data as CodeActionData;
    await this.run(seed === undefined ? data : { ...data, seed }, request);
    return true;
  }

  private editor(): vscode.TextEditor | undefined {
    const editor = vscode.window.activeTextEditor;
    if (editor !== undefined && vscode.languages.match(SELECTOR, editor.document) > 0) return editor;
    void vscode.window.showWarningMessage("Redraft works on Python; open a Python file first.");
    return undefined;
  }

  private async isReady(): Promise<boolean> {
    if (this.session.client !== undefined && this.session.state.server === "running") return true;
    if (this.session.state.server === "stopped") await this.session.restart();
    else await this.session.settled();
    if (this.session.state.server === "running") return true;
    const { tooltip } = appearance(this.session.state);
    void vscode.window.showWarningMessage(tooltip, "Show status").then(choice => {
      if (choice !== undefined) void vscode.commands.executeCommand("redraft.status");
    });
    return false;
  }

  private documentOf(data: CodeActionData): vscode.TextDocument | undefined {
    const { client } = this.session;
    return vscode.workspace.textDocuments.find(
      document => client?.code2ProtocolConverter.asUri(document.uri) === data.uri,
    );
  }

  /** Make known whether a rewrite runs, and how far it is. */
  private publish(): void {
    const active = vscode.window.activeTextEditor?.document;
    const here = active && this.runs.get(active);
    const run = here ?? [...this.runs.values()].at(-1);
    setContext("running", run !== undefined);
    this.session.set({ isRunning: run !== undefined, step: run?.step });
  }
}

/** The lines around the cursor that have no blank line between them. */
function paragraph(document: vscode.TextDocument, line: number): vscode.Range {
  const isBlank = (number: number): boolean => document.lineAt(number).isEmptyOrWhitespace;
  const { first, last } = around(isBlank, document.lineCount, line);
  return new vscode.Range(first, 0, last, document.lineAt(last).text.length);
}
