// Documents as texts with offsets, and the way back.

import * as vscode from "vscode";
import type { Replacement } from "./text";
import { rebased, replaced } from "./text";

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

/** What an edit has come to. */
export interface Edited {
  /** The text that it was applied to, and what was applied, which has moved if somebody typed in the meantime. */
  readonly before: string;
  readonly found: readonly Replacement[];
  /** What was typed right behind it; undefined if the editor made something else of the edit. */
  readonly since: readonly Replacement[] | undefined;
}

// Somebody who types is faster than an edit only now and then.
const MAX_TRIES = 50;

/**
 * Edit a document; undefined if the editor refuses. Without an editor that shows it, it is one undo step. An editor
 * refuses what was meant for the text of a moment ago, so the edit follows who types elsewhere, and is tried again.
 */
export async function edited(
  document: vscode.TextDocument,
  wanted: readonly Replacement[],
  stops: UndoStops,
): Promise<Edited | undefined> {
  let found: readonly Replacement[] | undefined = wanted;
  for (let count = 0; found !== undefined && count < MAX_TRIES; count++) {
    const before = document.getText();
    const after = replaced(before, found);
    const typed: Replacement[] = [];
    let since: Replacement[] | undefined;
    const listening = vscode.workspace.onDidChangeTextDocument(event => {
      if (event.document !== document || event.contentChanges.length === 0) return;
      if (since !== undefined) since.push(...changesOf(event));
      else if (document.getText() === after) since = [];
      else typed.push(...changesOf(event));
    });
    try {
      if (await tried(document, found, stops)) return { before, found, since };
    } finally {
      listening.dispose();
    }
    if (typed.length === 0) return undefined;
    found = rebased(found, typed);
  }
  return undefined;
}

async function tried(
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
