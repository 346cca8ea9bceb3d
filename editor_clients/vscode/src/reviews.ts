// The reviews of rewrites, one for a document: applied, marked, and taken back where they are rejected.

import * as vscode from "vscode";
import { setContext } from "./contexts";
import type { Edited } from "./documents";
import { changesOf, edited, editorsOf } from "./documents";
import type { Hunk } from "./hunks";
import { hunkAt, hunksOf, neighbour, rejection, startOf } from "./hunks";
import { Marks } from "./marks";
import { Originals } from "./originals";
import { decorate } from "./review-decorations";
import type { Replacement } from "./text";
import { Lines, mapped } from "./text";

interface Review {
  readonly document: vscode.TextDocument;
  readonly title: string;
  readonly marks: Marks;
  /** The rewritten text, as a document of the server. */
  readonly previewUri: string;
  /** While an edit of our own is under way, changes are not the user's. */
  isEditing: boolean;
  /** While the rewrite is made anew, its hunks are nowhere. */
  isMadeAnew: boolean;
}

/** Nothing was left to be edited. */
const NOTHING: Edited = { before: "", found: [], since: [] };

export class Reviews implements vscode.Disposable, vscode.CodeLensProvider {
  private readonly reviews = new Map<vscode.TextDocument, Review>();
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly originals = new Originals();
  private readonly disposables: vscode.Disposable[] = [];
  /** Rejections are made one after the other. */
  private queue: Promise<void> = Promise.resolve();
  /** The rewrite that was decided upon last. */
  private last: Review | undefined;

  readonly onDidChangeCodeLenses = this.changed.event;

  constructor() {
    this.disposables.push(
      this.originals,
      vscode.languages.registerCodeLensProvider({ language: "python" }, this),
      vscode.workspace.onDidChangeTextDocument(event => this.follow(event)),
      vscode.workspace.onDidCloseTextDocument(document => this.close(document)),
      vscode.window.onDidChangeVisibleTextEditors(() => this.show()),
      vscode.window.onDidChangeActiveTextEditor(() => this.show()),
    );
  }

  dispose(): void {
    this.reviews.clear();
    this.show();
    for (const disposable of this.disposables) disposable.dispose();
    this.changed.dispose();
  }

  /** Apply a rewrite and put it up for review. */
  async open(
    document: vscode.TextDocument,
    found: readonly Replacement[],
    title: string,
    previewUri: string,
  ): Promise<void> {
    // No stop behind it: what is rejected joins the same undo step.
    const done = await edited(document, found, { before: true, after: false });
    if (done === undefined) {
      void vscode.window.showWarningMessage("The editor did not apply the rewrite; ask again.");
      return;
    }
    if (done.since === undefined) {
      // Something else edits as we do (a formatter while typing, say); no mark would be in its place.
      void vscode.window.showWarningMessage(
        "The rewrite was applied, but the text has changed at the same time.",
      );
      return;
    }
    const marks = new Marks(done.before, done.found);
    if (done.since.length > 0) marks.edited(done.since);
    this.reviews.set(document, { document, title, marks, previewUri, isEditing: false, isMadeAnew: false });
    this.show();
    this.reveal(document, marks.open[0]);
  }

  isOpen(document: vscode.TextDocument): boolean {
    return this.reviews.has(document);
  }

  acceptAll(document = active()): void {
    const review = document && this.reviews.get(document);
    if (review !== undefined) this.accept(review, review.marks.open);
  }

  async rejectAll(document = active()): Promise<void> {
    await this.queued(async () => {
      const review = document && this.reviews.get(document);
      if (review !== undefined) await this.reject(review, review.marks.open);
    });
  }

  acceptHunk(uri?: string, id?: number): void {
    const chosen = this.chosen(uri, id);
    if (chosen !== undefined) this.accept(chosen.review, [chosen.hunk]);
  }

  async rejectHunk(uri?: string, id?: number): Promise<void> {
    await this.queued(async () => {
      const chosen = this.chosen(uri, id);
      if (chosen !== undefined) await this.reject(chosen.review, [chosen.hunk]);
    });
  }

  /** Put the cursor on the next or the previous hunk. */
  go(direction: 1 | -1): void {
    const editor = vscode.window.activeTextEditor;
    const review = editor && this.reviews.get(editor.document);
    if (editor === undefined || review === undefined) return;
    const offset = editor.document.offsetAt(editor.selection.active);
    const hunk = neighbour(review.marks.open, offset, direction);
    if (hunk === undefined) return;
    const position = editor.document.positionAt(startOf(hunk));
    editor.selection = new vscode.Selection(position, position);
    this.reveal(editor.document, hunk);
  }

  /** The text from before and the rewritten one, side by side. */
  async compare(): Promise<void> {
    const document = active();
    const review = document && this.reviews.get(document);
    if (review === undefined) return;
    const left = this.originals.add(review.document.uri, review.marks.before);
    const right = await this.rewritten(review);
    const name = left.path.split("/").at(-1);
    await vscode.commands.executeCommand("vscode.diff", left, right, `${name} (before ↔ rewritten)`);
  }

  /** Take back the rewrite that was accepted last, as one undo step. */
  async undoLast(): Promise<void> {
    const review = this.last;
    const problem = review === undefined ? "There is no accepted rewrite to undo." : obstacle(review);
    if (review === undefined || problem !== undefined) {
      void vscode.window.showWarningMessage(problem ?? "");
      return;
    }
    const found = rejection(review.marks.accepted);
    if (await edited(review.document, found, { before: true, after: true })) {
      this.last = undefined;
      return;
    }
    void vscode.window.showWarningMessage("The editor did not undo the rewrite; try again.");
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const review = this.reviews.get(document);
    if (review === undefined) return [];
    const uri = document.uri.toString();
    return review.marks.open.flatMap((hunk, index) => {
      const { line } = document.positionAt(startOf(hunk));
      const lens = (title: string, command: string, ...args: unknown[]) =>
        new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
          title,
          command: `redraft.${command}`,
          arguments: args,
        });
      const own = [
        lens("$(check) Accept", "acceptHunk", uri, hunk.id),
        lens("$(close) Reject", "rejectHunk", uri, hunk.id),
      ];
      if (index > 0) return own;
      return [
        ...own,
        lens("Accept all", "acceptAll"),
        lens("Reject all", "rejectAll"),
        lens("Compare", "compare"),
        lens("Again", "again"),
      ];
    });
  }

  private accept(review: Review, hunks: readonly Hunk[]): void {
    review.marks.accept(hunks);
    this.settle(review);
  }

  private queued(task: () => Promise<void>): Promise<void> {
    const next = this.queue.then(task);
    this.queue = next.catch(() => {});
    return next;
  }

  private async reject(review: Review, hunks: readonly Hunk[]): Promise<void> {
    if (await this.madeAnew(review, hunks)) {
      this.settle(review);
      return;
    }
    const { document, marks } = review;
    const stop = marks.hasEdits;
    const found = marks.reject(hunks);
    const { version } = document;
    review.isEditing = true;
    let isDone = false;
    try {
      isDone = (await edited(document, found, { before: stop, after: stop })) !== undefined;
    } finally {
      review.isEditing = false;
    }
    // What was typed into them meanwhile makes them the user's.
    if (!isDone && document.version !== version) marks.isTouched = true;
    else if (!isDone) {
      marks.reopen(hunks);
      void vscode.window.showWarningMessage("The editor did not take the change back; try again.");
    }
    this.settle(review);
  }

  /**
   * Reject `hunks` by undoing the rewrite and making what is left of it anew: the editor ends an undo step wherever the
   * cursor moves, so an edit behind that would be a step of its own. False if that cannot be, and nothing has changed.
   */
  private async madeAnew(review: Review, hunks: readonly Hunk[]): Promise<boolean> {
    const { document, marks } = review;
    const editor = vscode.window.activeTextEditor;
    // Undo is what the editor does in the active document; what somebody has typed since would be undone first.
    if (marks.hasEdits || editor?.document !== document) return false;
    const after = document.getText();
    const cursors = editor.selections.map(each =>
      [each.anchor, each.active].map(at => document.offsetAt(at)),
    );
    const [shown] = editor.visibleRanges;
    const back = rejection(hunks);
    review.isMadeAnew = true;
    try {
      await vscode.commands.executeCommand("undo");
      if (document.getText() !== marks.before) {
        if (document.getText() !== after) await vscode.commands.executeCommand("redo");
        return false;
      }
      const left = marks.without(hunks);
      const done = left.length === 0 ? NOTHING : await edited(document, left, { before: true, after: false });
      if (done === undefined) {
        await vscode.commands.executeCommand("redo");
        return false;
      }
      const anew = left.length === 0 ? [] : hunksOf(new Lines(done.before), done.found);
      if (done.since === undefined || !marks.replace(hunks, anew)) {
        // Somebody else has edited in between, and no mark would be in its place.
        marks.open = [];
        marks.isTouched = true;
        return true;
      }
      if (done.since.length > 0) marks.edited(done.since);
      editor.selections = cursors.map(offsets => {
        const [anchor, at] = offsets.map(offset => document.positionAt(mapped(offset, back)));
        return new vscode.Selection(anchor as vscode.Position, at as vscode.Position);
      });
      if (shown !== undefined) editor.revealRange(shown, vscode.TextEditorRevealType.AtTop);
      return true;
    } finally {
      review.isMadeAnew = false;
    }
  }

  private settle(review: Review): void {
    if (review.marks.isOver) {
      this.reviews.delete(review.document);
      if (review.marks.accepted.length > 0 || review.marks.isTouched) this.last = review;
    }
    this.show();
  }

  private follow(event: vscode.TextDocumentChangeEvent): void {
    if (event.contentChanges.length === 0) return;
    const changes = changesOf(event);
    if (this.last?.document === event.document) this.last.marks.edited(changes);
    const review = this.reviews.get(event.document);
    if (review === undefined || review.isMadeAnew) return;
    if (review.isEditing) {
      review.marks.follow(changes);
      return;
    }
    review.marks.edited(changes);
    const isUndone =
      event.reason === vscode.TextDocumentChangeReason.Undo &&
      event.document.getText() === review.marks.before;
    if (isUndone) {
      this.reviews.delete(event.document);
      this.show();
    } else this.settle(review);
  }

  private close(document: vscode.TextDocument): void {
    if (this.reviews.delete(document)) this.show();
  }

  private show(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      decorate(editor, this.reviews.get(editor.document)?.marks);
    }
    const document = active();
    setContext("reviewing", document !== undefined && this.reviews.has(document));
    this.changed.fire();
  }

  private reveal(document: vscode.TextDocument, hunk: Hunk | undefined): void {
    if (hunk === undefined) return;
    const position = document.positionAt(startOf(hunk));
    const range = new vscode.Range(position, position);
    for (const editor of editorsOf(document)) {
      editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    }
  }

  private chosen(
    uri: string | undefined,
    id: number | undefined,
  ): { review: Review; hunk: Hunk } | undefined {
    const editor = vscode.window.activeTextEditor;
    const document =
      uri === undefined
        ? editor?.document
        : [...this.reviews.keys()].find(each => each.uri.toString() === uri);
    const review = document && this.reviews.get(document);
    if (review === undefined || document === undefined) return undefined;
    const offset = editor?.document === document ? document.offsetAt(editor.selection.active) : 0;
    const hunk =
      id === undefined
        ? hunkAt(review.marks.open, new Lines(document.getText()), offset)
        : review.marks.open.find(each => each.id === id);
    return hunk && { review, hunk };
  }

  /** The rewritten text as the server has it; one that has forgotten it has been started since. */
  private async rewritten(review: Review): Promise<vscode.Uri> {
    const uri = vscode.Uri.parse(review.previewUri, true);
    try {
      const document = await vscode.workspace.openTextDocument(uri);
      if (document.getText() === review.marks.after) return uri;
    } catch {
      // Ours is as good.
    }
    return this.originals.add(review.document.uri, review.marks.after);
  }
}

/** Why an accepted rewrite cannot be undone; undefined if it can. */
function obstacle({ document, marks }: Review): string | undefined {
  if (document.isClosed) return "The file with the last rewrite has been closed; there is nothing to undo.";
  if (document.getText() === marks.before) return "The last rewrite is undone already.";
  if (marks.isTouched || marks.accepted.length === 0) {
    return "The text of the last rewrite has been edited since; undo it step by step.";
  }
  return undefined;
}

function active(): vscode.TextDocument | undefined {
  return vscode.window.activeTextEditor?.document;
}
