// How a review looks in an editor: what was added in green, what was removed struck through before it.

import * as vscode from "vscode";
import { visible } from "./canvas";
import { rangeOf } from "./documents";
import { removedLines } from "./hunks";
import type { Marks } from "./marks";

const added = vscode.window.createTextEditorDecorationType({
  backgroundColor: new vscode.ThemeColor("diffEditor.insertedTextBackground"),
  overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.addedForeground"),
  overviewRulerLane: vscode.OverviewRulerLane.Left,
  rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
});

const removed = vscode.window.createTextEditorDecorationType({
  overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.deletedForeground"),
  overviewRulerLane: vscode.OverviewRulerLane.Left,
  rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
});

const lines = vscode.window.createTextEditorDecorationType({
  isWholeLine: true,
  backgroundColor: new vscode.ThemeColor("diffEditor.insertedLineBackground"),
});

/** Draw the open hunks of `marks`; nothing of a review that is over. */
export function decorate(editor: vscode.TextEditor, marks: Marks | undefined): void {
  const { document } = editor;
  const pieces = marks?.open.flatMap(hunk => hunk.pieces) ?? [];
  const text = pieces.length === 0 ? "" : document.getText();
  const tabSize = Number(editor.options.tabSize) || 4;
  editor.setDecorations(
    added,
    pieces.filter(({ start, end }) => end > start).map(({ start, end }) => rangeOf(document, start, end)),
  );
  editor.setDecorations(
    lines,
    pieces.map(({ start, end }) => rangeOf(document, start, end)),
  );
  editor.setDecorations(
    removed,
    pieces
      .flatMap(piece => removedLines(piece, text))
      .map(({ offset, text: old }) => ({
        range: rangeOf(document, offset, offset),
        renderOptions: {
          before: {
            contentText: visible(old, tabSize),
            color: new vscode.ThemeColor("editorError.foreground"),
            backgroundColor: new vscode.ThemeColor("diffEditor.removedTextBackground"),
            textDecoration: "line-through",
          },
        },
      })),
  );
}
