// Which documents Redraft works on, and what happens with the result there.

import * as vscode from "vscode";

// A preview or an old revision is nobody's to repair.
const SCHEMES = ["file", "untitled", "vscode-notebook-cell"];

/** The documents that the client opens with the server. */
export const SELECTOR = SCHEMES.map(scheme => ({ scheme, language: "python" }));

/** Whether the result of a rewrite of `document` is put up for review. */
export function isReviewed(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration("redraft", document).get("review") !== "off";
}
