// What is asked of the server for a rewrite: its code action, then what that would change.

import * as vscode from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import type { CodeActionData, ListedAction, Preview } from "./protocol";
import type { RewriteRequest } from "./rewrite-request";

/** The server's code action for `request`, which may be disabled; undefined if it lists none. */
export async function listedAction(
  client: LanguageClient,
  request: RewriteRequest,
): Promise<ListedAction | undefined> {
  const uri = vscode.Uri.parse(request.uri, true);
  const near = vscode.languages
    .getDiagnostics(uri)
    .filter(({ range }) => !request.isWhole && range.intersection(request.range) !== undefined);
  const convert = client.code2ProtocolConverter;
  const actions = await client.sendRequest<ListedAction[] | null>("textDocument/codeAction", {
    textDocument: { uri: convert.asUri(uri) },
    range: convert.asRange(request.range),
    context: { diagnostics: await convert.asDiagnostics(near), only: [request.kind], triggerKind: 1 },
  });
  return actions?.find(each => each.kind === request.kind && (each.data || each.disabled));
}

/** What the code action with `data` would change. The server's notifications about it carry `progressToken`. */
export async function preview(
  client: LanguageClient,
  data: CodeActionData,
  progressToken: string,
  cancellation: vscode.CancellationToken,
): Promise<Preview> {
  const params = { command: "redraft.preview", arguments: [data], workDoneToken: progressToken };
  return client.sendRequest<Preview>("workspace/executeCommand", params, cancellation);
}
