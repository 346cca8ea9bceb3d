// Running rewrites: one for a document. From a code action of the server to an edit, with the canvas in between.

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { ACTIONS, kindOf, notLearnt, QUICK_FIX, REWRITES } from "./actions";
import { setContext } from "./contexts";
import { changesOf, edited, eolOf } from "./documents";
import { LiveCanvas } from "./live-canvas";
import { around } from "./paragraph";
import type { Reviews } from "./reviews";
import { isReviewed, SELECTOR } from "./scope";
import type { DenoiseParams, Session } from "./session";
import { appearance, steps } from "./state";
import type { Position, Replacement, TextEdit } from "./text";
import { Lines, rebased, replacements } from "./text";

/** What the server needs to carry out a code action; ours to hand back, not to look into more than this. */
export interface Errand {
  title: string;
  uri: string;
  version: number;
  range?: { start: Position; end: Position } | null;
  action?: string;
  seed?: number;
  instruction?: string;
}

/** What a rewrite was asked for, so that it can be asked for again. */
export interface Wish {
  readonly uri: string;
  /** The kind of code action. */
  readonly kind: string;
  readonly range: vscode.Range;
  readonly instruction?: string | undefined;
  /** How often the same was asked for before: each time leads to another draft, where there are several. */
  readonly seed?: number;
  /** Whether it is about the file as a whole, whatever others say of its parts. */
  readonly isWhole?: boolean;
}

interface Preview {
  uri: string;
  edit: {
    documentChanges?: { edits: TextEdit[] }[];
    changes?: Record<string, TextEdit[]>;
  };
}

interface ServerAction {
  title: string;
  kind?: string;
  data?: Errand;
  disabled?: { reason: string };
}

// A notification that comes and goes within a moment is only a flicker.
const MS_UNTIL_PROGRESS = 400;
const MS_PER_COUNT = 200;

/** One rewrite while it runs. */
class Run implements vscode.Disposable {
  readonly token = randomUUID();
  readonly cancellation = new vscode.CancellationTokenSource();
  readonly canvas: LiveCanvas;
  readonly before: Lines;
  /** What the user has changed outside the region since. */
  readonly changes: Replacement[] = [];
  /** Why it was cancelled, if not by the user. */
  reason: string | undefined;
  step: { index: number; limit: number } | undefined;
  readonly stepped = new vscode.EventEmitter<void>();
  private countedAt = 0;
  private region: { start: number; end: number };

  constructor(
    readonly document: vscode.TextDocument,
    readonly version: number,
    range: Errand["range"],
  ) {
    this.before = new Lines(document.getText());
    this.canvas = new LiveCanvas(document);
    this.region = range
      ? { start: this.before.offsetAt(range.start), end: this.before.offsetAt(range.end) }
      : { start: 0, end: this.before.text.length };
    if (range) this.canvas.begin(this.region.start, this.region.end);
  }

  /** Follow what the user types: in the region it ends the rewrite, elsewhere the region moves. */
  follow(changes: readonly Replacement[]): void {
    for (const change of changes) {
      const { start, end } = this.region;
      if (change.start <= end && start <= change.end) {
        this.cancel("Redraft stopped: the text it was working on has changed.");
        return;
      }
      this.changes.push(change);
      const by = change.text.length - (change.end - change.start);
      if (start > change.end) this.region = { start: start + by, end: end + by };
      this.canvas.follow(change);
    }
  }

  draw(params: DenoiseParams): void {
    this.step = { index: params.index, limit: params.limit };
    // Numbers that change faster than one can read them would take the time of the canvas.
    if (Date.now() - this.countedAt >= MS_PER_COUNT) {
      this.countedAt = Date.now();
      this.stepped.fire();
    }
    if (params.textDocument.version !== this.version || this.cancellation.token.isCancellationRequested)
      return;
    const found = this.placed(params.edits);
    if (found !== undefined) this.canvas.draw(found);
  }

  /** `edits` of the text from before as replacements in the text of now; undefined if they have no place there. */
  placed(edits: readonly TextEdit[]): Replacement[] | undefined {
    const found = replacements(this.before, edits, eolOf(this.document));
    return found === undefined ? undefined : rebased(found, this.changes);
  }

  cancel(reason?: string): void {
    this.reason ??= reason;
    this.cancellation.cancel();
    this.canvas.clear();
  }

  dispose(): void {
    this.canvas.dispose();
    this.cancellation.dispose();
    this.stepped.dispose();
  }
}

export class Rewriter implements vscode.Disposable {
  private readonly runs = new Map<vscode.TextDocument, Run>();
  private readonly disposables: vscode.Disposable[] = [];
  private last: Wish | undefined;

  constructor(
    private readonly session: Session,
    private readonly reviews: Reviews,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.disposables.push(
      session.onDenoise(params => {
        for (const run of this.runs.values()) {
          if (run.token === params.token) run.draw(params);
        }
      }),
      vscode.workspace.onDidChangeTextDocument(event => {
        if (event.contentChanges.length > 0) this.runs.get(event.document)?.follow(changesOf(event));
      }),
      vscode.workspace.onDidCloseTextDocument(document => this.runs.get(document)?.cancel()),
      vscode.window.onDidChangeActiveTextEditor(() => this.tell()),
    );
  }

  dispose(): void {
    for (const run of this.runs.values()) run.cancel();
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** Do `name` with the selection, or with what is around the cursor. */
  async rewrite(name: string, instruction?: string): Promise<void> {
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
      if (await this.request({ uri: document.uri.toString(), kind: QUICK_FIX, range: here, instruction }))
        return;
    }
    const range = selection.isEmpty
      ? paragraph(document, selection.active.line)
      : new vscode.Range(selection.start, selection.end);
    const wish = { uri: document.uri.toString(), kind: kindOf(name), range, instruction };
    if (!(await this.request(wish))) {
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
    const wish = this.last;
    const document = wish && vscode.workspace.textDocuments.find(each => each.uri.toString() === wish.uri);
    if (wish === undefined || document === undefined) {
      void vscode.window.showWarningMessage("There is no rewrite to run again.");
      return;
    }
    if (!(await this.isReady())) return;
    await this.reviews.rejectAll(document);
    if (!(await this.request({ ...wish, seed: (wish.seed ?? 0) + 1 }))) {
      void vscode.window.showWarningMessage("There is nothing left to rewrite in that place.");
    }
  }

  /** Stop what runs in the active document, or everywhere if nothing runs there. */
  cancel(): void {
    const active = vscode.window.activeTextEditor?.document;
    const here = active && this.runs.get(active);
    for (const run of here === undefined ? this.runs.values() : [here]) run.cancel();
  }

  /** Carry out a code action of the server. */
  async run(errand: Errand, wish: Wish): Promise<void> {
    const { client } = this.session;
    const document = this.documentOf(errand);
    if (client === undefined || document === undefined) {
      void vscode.window.showWarningMessage(
        "Redraft's language server is not running, or the document is closed.",
      );
      return;
    }
    // What stands there is what the model works with, so it has been decided upon.
    this.reviews.acceptAll(document);
    this.last = wish;
    this.runs.get(document)?.cancel();
    const run = new Run(document, errand.version, errand.range);
    this.runs.set(document, run);
    run.stepped.event(() => this.tell());
    this.tell();
    try {
      await this.carriedOut(run, errand);
    } finally {
      if (this.runs.get(document) === run) this.runs.delete(document);
      run.dispose();
      this.tell();
    }
  }

  private async carriedOut(run: Run, errand: Errand): Promise<void> {
    const asked = this.asked(run, errand);
    this.showProgress(run, errand, asked);
    let preview: Preview;
    try {
      preview = await asked;
    } catch (error) {
      this.explain(run, error);
      return;
    }
    if (run.cancellation.token.isCancellationRequested) {
      this.explain(run, undefined);
      return;
    }
    const edits =
      preview.edit.documentChanges?.flatMap(each => each.edits) ??
      Object.values(preview.edit.changes ?? {}).flat();
    const found = run.placed(edits);
    run.canvas.dispose();
    if (found === undefined) {
      const message = "The text that Redraft was working on has changed in the meantime; ask again.";
      void vscode.window.showWarningMessage(message);
    } else if (found.length === 0) {
      void vscode.window.showInformationMessage("Redraft found nothing to change.");
    } else if (isReviewed(run.document)) {
      await this.reviews.open(run.document, found, errand.title, preview.uri);
    } else if (!(await edited(run.document, found, { before: true, after: true }))) {
      void vscode.window.showWarningMessage("The editor did not apply the rewrite; ask again.");
    }
  }

  private async asked(run: Run, errand: Errand): Promise<Preview> {
    const client = this.session.client;
    if (client === undefined) throw new Error("The language server is not running.");
    const params = { command: "redraft.preview", arguments: [errand], workDoneToken: run.token };
    return client.sendRequest<Preview>("workspace/executeCommand", params, run.cancellation.token);
  }

  private showProgress(run: Run, errand: Errand, asked: Promise<unknown>): void {
    const done = asked.then(
      () => {},
      () => {},
    );
    const timer = setTimeout(() => {
      const action = ACTIONS.find(each => each.name === (errand.action ?? "repair"));
      const options = {
        location: vscode.ProgressLocation.Notification,
        title: `Redraft: ${action?.doing ?? "Rewriting"}`,
        cancellable: true,
      };
      void vscode.window.withProgress(options, (progress, token) => {
        token.onCancellationRequested(() => run.cancel());
        let shown = 0;
        run.stepped.event(() => {
          if (run.step === undefined) return;
          const percent = Math.min(100, (100 * run.step.index) / Math.max(1, run.step.limit));
          progress.report({ message: `step ${steps(run.step)}`, increment: Math.max(0, percent - shown) });
          shown = Math.max(shown, percent);
        });
        return done;
      });
    }, MS_UNTIL_PROGRESS);
    void done.then(() => clearTimeout(timer));
  }

  /** Say why there is no result, unless the user knows. */
  private explain(run: Run, error: unknown): void {
    if (run.cancellation.token.isCancellationRequested) {
      if (run.reason !== undefined) vscode.window.setStatusBarMessage(run.reason, 5000);
      return;
    }
    const message = error instanceof Error ? error.message : String(error);
    this.log.info(`A rewrite failed: ${message}`);
    const isRefusal = (error as { code?: unknown } | null)?.code === REQUEST_FAILED;
    void vscode.window.showWarningMessage(
      isRefusal ? message : `Redraft's language server could not finish the rewrite: ${message}`,
    );
  }

  /** Ask for the code action of a wish and carry it out; false if the server offers none. */
  private async request(wish: Wish): Promise<boolean> {
    const { client } = this.session;
    if (client === undefined) return false;
    const uri = vscode.Uri.parse(wish.uri, true);
    const near = vscode.languages
      .getDiagnostics(uri)
      .filter(({ range }) => !wish.isWhole && range.intersection(wish.range) !== undefined);
    const convert = client.code2ProtocolConverter;
    const params = {
      textDocument: { uri: convert.asUri(uri) },
      range: convert.asRange(wish.range),
      context: { diagnostics: await convert.asDiagnostics(near), only: [wish.kind], triggerKind: 1 },
    };
    let actions: ServerAction[] | null;
    try {
      actions = await client.sendRequest<ServerAction[] | null>("textDocument/codeAction", params);
    } catch (error) {
      this.log.info(`Listing the rewrites failed: ${error}`);
      return false;
    }
    const action = actions?.find(each => each.kind === wish.kind && (each.data || each.disabled));
    if (action === undefined) return false;
    if (action.disabled !== undefined) {
      // Somebody else's reason is no answer to the question for a quick fix.
      if (!wish.kind.startsWith(REWRITES)) return false;
      void vscode.window.showWarningMessage(action.disabled.reason);
      return true;
    }
    const { instruction, seed } = wish;
    const errand: Errand = {
      ...(action.data as Errand),
      ...(seed === undefined ? {} : { seed }),
      ...(instruction === undefined ? {} : { instruction }),
    };
    await this.run(errand, wish);
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

  private documentOf(errand: Errand): vscode.TextDocument | undefined {
    const { client } = this.session;
    return vscode.workspace.textDocuments.find(
      document => client?.code2ProtocolConverter.asUri(document.uri) === errand.uri,
    );
  }

  private tell(): void {
    const active = vscode.window.activeTextEditor?.document;
    const here = active && this.runs.get(active);
    const run = here ?? [...this.runs.values()].at(-1);
    setContext("running", run !== undefined);
    this.session.set({ isRunning: run !== undefined, step: run?.step });
  }
}

// LSP's RequestFailed: the message is a sentence for the user.
const REQUEST_FAILED = -32803;

/** The lines around the cursor that have no blank line between them. */
function paragraph(document: vscode.TextDocument, line: number): vscode.Range {
  const isBlank = (number: number): boolean => document.lineAt(number).isEmptyOrWhitespace;
  const { first, last } = around(isBlank, document.lineCount, line);
  return new vscode.Range(first, 0, last, document.lineAt(last).text.length);
}
