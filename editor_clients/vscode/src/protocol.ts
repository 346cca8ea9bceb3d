// What the extension and the server send each other about rewrites, beyond the specification. Knows nothing of editors.

import type { Position, TextEdit } from "./text";

/** The `data` of a code action: what the server needs to carry it out. It is handed back, and only these fields are read. */
export interface CodeActionData {
  title: string;
  uri: string;
  version: number;
  /** Where the text may change; missing or null: anywhere. */
  range?: { start: Position; end: Position } | null;
  action?: string;
  seed?: number;
}

/** A code action as the server lists it. */
export interface ListedAction {
  title: string;
  kind?: string;
  data?: CodeActionData;
  disabled?: { reason: string };
}

/** The answer to the command `redraft.preview`. */
export interface Preview {
  /** The rewritten text, as a document of the server. */
  uri: string;
  edit: {
    documentChanges?: { edits: TextEdit[] }[];
    changes?: Record<string, TextEdit[]>;
  };
}

/** All edits of a preview, which are of one document. */
export function editsOf({ edit }: Preview): TextEdit[] {
  return edit.documentChanges?.flatMap(each => each.edits) ?? Object.values(edit.changes ?? {}).flat();
}

/** The notification with the text of a running rewrite. */
export const PROGRESS = "redraft/denoise";

/**
 * The parameters of that notification: step `index` of at most `limit`, a search round of a repair or a denoise step, and
 * the edits that lead to the text at that step.
 */
export interface RewriteProgress {
  token: string | number;
  textDocument: { uri: string; version: number };
  index: number;
  limit: number;
  edits: TextEdit[];
}

/** The parameters of `experimental/serverStatus`. */
export interface ServerStatus {
  health: "ok" | "warning" | "error";
  quiescent: boolean;
  message?: string | null;
}

// LSP's RequestFailed: the message is a sentence for the user.
const REQUEST_FAILED = -32803;

/** Whether the server answered a request with a sentence for the user. */
export function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === REQUEST_FAILED;
}
