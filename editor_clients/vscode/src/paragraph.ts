// What a rewrite without a selection is about: the lines around the cursor, as far as the next blank ones.

import * as vscode from "vscode";

/** The lines around `line` that have no blank line between them. */
export function around(document: vscode.TextDocument, line: number): vscode.Range {
  const isBlank = (number: number): boolean => document.lineAt(number).isEmptyOrWhitespace;
  let first = line;
  while (first > 0 && !isBlank(first) && !isBlank(first - 1)) first--;
  let last = line;
  while (last < document.lineCount - 1 && !isBlank(last) && !isBlank(last + 1)) last++;
  return new vscode.Range(first, 0, last, document.lineAt(last).text.length);
}
