// The canvas of a running rewrite, drawn over the lines of the document. The document does not change.

import * as vscode from "vscode";
import type { Stroke } from "./canvas";
import { strokes, visible } from "./canvas";
import { editorsOf, rangeOf } from "./documents";
import type { Replacement } from "./text";
import { Lines, rebased } from "./text";

// Faster than the eye follows, slow enough for the editor to draw each.
const MS_PER_FRAME = 33;

// While the editor draws one, the next is on its way. Of more than two, a busy one would fall further and further behind.
const MAX_ON_THE_WAY = 2;

const region = vscode.window.createTextEditorDecorationType({
  isWholeLine: true,
  backgroundColor: new vscode.ThemeColor("editor.rangeHighlightBackground"),
});

const stroke = vscode.window.createTextEditorDecorationType({
  // There is no other way to hide text; that of the document stays where it is.
  textDecoration: "none; display: none;",
  rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
});

export class LiveCanvas implements vscode.Disposable {
  /** What is to be drawn, and what was drawn last; both in the text of now. */
  private pending: readonly Replacement[] | undefined;
  private drawn: readonly Replacement[] | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** How many canvases the editor has been sent and not dealt with. */
  private onTheWay = 0;
  private drawnAt = 0;
  private lines: Lines | undefined;
  private version = -1;

  constructor(private readonly document: vscode.TextDocument) {}

  /** Show where the model works. */
  begin(start: number, end: number): void {
    for (const editor of editorsOf(this.document)) {
      editor.setDecorations(region, [rangeOf(this.document, start, end)]);
    }
  }

  /** Draw the document with `found` in it, soon; what was to be drawn before is forgotten. */
  draw(found: readonly Replacement[]): void {
    this.pending = found;
    this.schedule();
  }

  /**
   * Follow a change of the text elsewhere. The editor moves what is drawn along with the text, but not what was on its
   * way at that moment, so that is drawn again.
   */
  follow(change: Replacement): void {
    const { pending, drawn } = this;
    const isInFront = drawn?.some(each => change.start < each.start) ?? false;
    this.drawn = drawn && rebased(drawn, [change]);
    this.pending = pending && rebased(pending, [change]);
    if (isInFront && this.onTheWay > 0) this.pending ??= this.drawn;
    this.schedule();
  }

  clear(): void {
    this.pending = undefined;
    this.drawn = undefined;
    for (const editor of editorsOf(this.document)) editor.setDecorations(stroke, []);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.clear();
    for (const editor of editorsOf(this.document)) editor.setDecorations(region, []);
  }

  private schedule(): void {
    if (this.pending === undefined || this.timer !== undefined) return;
    if (this.onTheWay >= MAX_ON_THE_WAY) return;
    const wait = Math.max(0, this.drawnAt + MS_PER_FRAME - Date.now());
    this.timer = setTimeout(() => void this.paint(), wait);
  }

  private async paint(): Promise<void> {
    this.timer = undefined;
    this.drawnAt = Date.now();
    const found = this.pending;
    this.pending = undefined;
    if (found === undefined || this.document.isClosed) return;
    this.drawn = found;
    for (const editor of editorsOf(this.document)) {
      const shown = editor.visibleRanges;
      const first = Math.min(...shown.map(range => range.start.line));
      const last = Math.max(...shown.map(range => range.end.line));
      const tabSize = Number(editor.options.tabSize) || 4;
      const drawn = strokes(this.text(), found, first, last).map(each => decoration(each, tabSize));
      editor.setDecorations(stroke, drawn);
    }
    this.onTheWay++;
    this.schedule();
    try {
      await heard();
    } finally {
      this.onTheWay--;
      this.schedule();
    }
  }

  private text(): Lines {
    if (this.lines === undefined || this.version !== this.document.version) {
      this.lines = new Lines(this.document.getText());
      this.version = this.document.version;
    }
    return this.lines;
  }
}

/**
 * Resolves once the editor has dealt with what it was sent so far. Nobody says when decorations are drawn, and a
 * busy editor that is sent the next ones all the same falls further and further behind.
 */
async function heard(): Promise<void> {
  await vscode.commands.executeCommand("setContext", "redraft.drawing", true);
}

function decoration({ line, start, end, text }: Stroke, tabSize: number): vscode.DecorationOptions {
  return {
    range: new vscode.Range(line, start, line, end),
    renderOptions: {
      before: {
        contentText: visible(text, tabSize),
        color: new vscode.ThemeColor("editorGhostText.foreground"),
        fontStyle: "italic",
      },
    },
  };
}
