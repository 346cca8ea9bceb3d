// What a user asks for: a kind of rewrite in a place.

import type * as vscode from "vscode";

/** The command behind a code action whose result is reviewed. Its arguments are the action's `data` and a `RewriteRequest`. */
export const RUN = "redraft.run";

/** A rewrite that was asked for, kept so that it can be asked for again. */
export interface RewriteRequest {
  readonly uri: string;
  /** The kind of code action. */
  readonly kind: string;
  readonly range: vscode.Range;
  /** How often the same was asked for before: each time leads to another draft, where there are several. */
  readonly seed?: number;
  /** Whether it is about the file as a whole: then the diagnostics of its parts do not matter. */
  readonly isWhole?: boolean;
}
