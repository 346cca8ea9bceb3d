/** The workspace of the tests, and what they do with it again and again. */

import { readFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import type { Said } from "../stage.ts";
import { until } from "../until.ts";

const [workspace] = vscode.workspace.workspaceFolders ?? [];

/** The folder around the workspace; see stage.ts. */
export const FOLDER = path.dirname(workspace?.uri.fsPath ?? "");

export function extension(): vscode.Extension<Api> {
  const found = vscode.extensions.getExtension<Api>("redraft.redraft");
  if (found === undefined) {
    throw new Error("the extension is not installed");
  }
  return found;
}

interface Api {
  readonly state: { readonly server: string };
  settled(): Promise<void>;
}

/** Wait until the server of the extension runs. */
export async function running(): Promise<void> {
  await until("the server runs", () => extension().exports.state.server === "running", 60);
}

let number = 0;

/** An editor with a new file. */
export async function opened(text: string): Promise<vscode.TextEditor> {
  const uri = vscode.Uri.file(path.join(FOLDER, "workspace", `file${number++}.py`));
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  return await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}

/** What the editor and the server have said so far. */
export function talk(): Said[] {
  const lines = readFileSync(path.join(FOLDER, "talk.jsonl"), "utf8").split("\n");
  return lines.filter(line => line.endsWith("}")).map(line => JSON.parse(line) as Said);
}
