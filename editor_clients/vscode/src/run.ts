// One rewrite while it runs: it follows what the user types, and draws what the server reports.

import { randomUUID } from "node:crypto";
import * as vscode from "vscode";
import { eolOf } from "./documents";
import { LiveCanvas } from "./live-canvas";
import type { CodeActionData, RewriteProgress } from "./protocol";
import type { Step } from "./state";
import type { Replacement, TextEdit } from "./text";
import { Lines, rebased, replacements } from "./text";

const MS_PER_COUNT = 200;

export class Run implements vscode.Disposable {
  /** What the server's notifications about this rewrite carry. */
  readonly token = randomUUID();
  readonly cancellation = new vscode.CancellationTokenSource();
  readonly canvas: LiveCanvas;
  readonly before: Lines;
  /** What the user has changed outside the region since. */
  readonly changes: Replacement[] = [];
  /** Why it was cancelled, if not by the user. */
  reason: string | undefined;
  step: Step | undefined;
  readonly stepped = new vscode.EventEmitter<void>();
  private countedAt = 0;
  private region: { start: number; end: number };

  constructor(
    readonly document: vscode.TextDocument,
    readonly data: CodeActionData,
  ) {
    const { range } = data;
    this.before = new Lines(document.getText());
    this.canvas = new LiveCanvas(document);
    this.region = range
      ? { start: this.before.offsetAt(range.start), end: this.before.offsetAt(range.end) }
      : { start: 0, end: this.before.text.length };
    if (range) this.canvas.begin(this.region.start, this.region.end);
  }

  get isCancelled(): boolean {
    return this.cancellation.token.isCancellationRequested;
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

  draw(progress: RewriteProgress): void {
    this.step = { index: progress.index, limit: progress.limit };
    // Numbers that change faster than one can read them would take the time of the canvas.
    if (Date.now() - this.countedAt >= MS_PER_COUNT) {
      this.countedAt = Date.now();
      this.stepped.fire();
    }
    if (progress.textDocument.version !== this.data.version || this.isCancelled) return;
    const found = this.placed(progress.edits);
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
