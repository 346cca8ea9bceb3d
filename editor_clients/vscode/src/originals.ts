// Texts to compare with, as documents that nobody can edit.

import * as vscode from "vscode";

const SCHEME = "redraft-original";
// The editor shows one at a time; the others are behind closed tabs.
const MAX = 16;

export class Originals implements vscode.Disposable, vscode.TextDocumentContentProvider {
  private readonly texts = new Map<string, string>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private count = 0;

  /** A document with `text`, named like the one at `uri`. */
  add(uri: vscode.Uri, text: string): vscode.Uri {
    this.count += 1;
    const name = uri.path.split("/").at(-1) || "untitled.py";
    const added = vscode.Uri.from({ scheme: SCHEME, path: `/${this.count}/${name}` });
    this.texts.set(added.toString(), text);
    for (const old of [...this.texts.keys()].slice(0, -MAX)) this.texts.delete(old);
    return added;
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  dispose(): void {
    this.registration.dispose();
  }
}
