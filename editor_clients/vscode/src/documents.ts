// Documents as texts with offsets, and the way back.

import * as vscode from "vscode";
import type { Replacement } from "./text";

/** Ask every editor for its own undo steps, or let an edit join the one before and after it. */
export interface UndoStops {
  before: boolean;
  after: boolean;
}

export function eolOf(document: vscode.TextDocument): string {
  return document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n";
}

export function rangeOf(document: vscode.TextDocument, start: number, end: number): vscode.Range {
  return new vscode.Range(document.positionAt(start), document.positionAt(end));
}

export function editorsOf(document: vscode.TextDocument): vscode.TextEditor[] {
  return vscode.window.visibleTextEditors.filter(editor => editor.document === document);
}

export function changesOf(event: vscode.TextDocumentChangeEvent): Replacement[] {
  return event.contentChanges.map(({ rangeOffset, rangeLength, text }) => ({
    start: rangeOffset,
    end: rangeOffset + rangeLength,
    text,
  }));
}

/** Edit a document; false if the editor refuses. Without an editor that shows it, it is one undo step. */
export async function edited(
  document: vscode.TextDocument,
  found: readonly Replacement[],
  stops: UndoStops,
): Promise<boolean> {
  const edits = found.map(({ start, end, text }) => ({ range: rangeOf(document, start, end), text }));
  const [editor] = editorsOf(document);
  if (editor !== undefined) {
    return editor.edit(
      builder => {
        for (const { range, text } of edits) builder.replace(range, text);
      },
      { undoStopBefore: stops.before, undoStopAfter: stops.after },
    );
  }
  const edit = new vscode.WorkspaceEdit();
  edit.set(
    document.uri,
    edits.map(({ range, text }) => vscode.TextEdit.replace(range, text)),
  );
  return vscode.workspace.applyEdit(edit);
}
