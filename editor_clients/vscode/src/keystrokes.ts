// Suggestions asked for as soon as a key is pressed. The editor waits for another key before it asks, and the server
// works meanwhile.

import * as vscode from "vscode";
import type { LanguageClient, Middleware } from "vscode-languageclient/node";
import { InlineCompletionRequest } from "vscode-languageclient/node";
import type { Place } from "./ahead";
import { Ahead, isTyped } from "./ahead";
import { changesOf } from "./documents";

type Provide = NonNullable<Middleware["provideInlineCompletionItems"]>;
type Suggestions = Awaited<ReturnType<Provide>>;

const TYPING: vscode.InlineCompletionContext = {
  triggerKind: vscode.InlineCompletionTriggerKind.Automatic,
  selectedCompletionInfo: undefined,
};

export class Keystrokes implements vscode.Disposable {
  private readonly ahead = new Ahead<Suggestions>();
  private readonly disposables: vscode.Disposable[];
  /** The tokens of what is asked ahead, which passes through the same middleware as what the editor asks. */
  private readonly own = new WeakSet<vscode.CancellationToken>();
  /** The version of a document in which a key has just inserted something. */
  private typed: { document: vscode.TextDocument; version: number } | undefined;
  /** Whether an entry of the editor's own list was chosen when it asked last; what it asks then is another question. */
  private isListOpen = false;

  /** `isQuiet` says whether nothing is to be suggested at the moment. */
  constructor(
    private readonly client: LanguageClient,
    private readonly isQuiet: () => boolean,
  ) {
    this.disposables = [
      vscode.workspace.onDidChangeTextDocument(event => this.changed(event)),
      vscode.window.onDidChangeTextEditorSelection(event => this.moved(event)),
    ];
  }

  dispose(): void {
    this.ahead.abort();
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** What the editor asks for: the answer to what was asked ahead, if that is the same question. */
  readonly provide: Provide = async (document, position, context, token, next) => {
    if (this.own.has(token)) return next(document, position, context, token);
    this.isListOpen = context.selectedCompletionInfo !== undefined;
    const isTyping = context.triggerKind === TYPING.triggerKind && !this.isListOpen;
    const asked = isTyping ? this.ahead.take(placeOf(document, position)) : undefined;
    if (asked === undefined) {
      this.ahead.abort();
      return next(document, position, context, token);
    }
    const listening = token.onCancellationRequested(asked.abort);
    try {
      return await asked.answer;
    } finally {
      listening.dispose();
    }
  };

  private changed(event: vscode.TextDocumentChangeEvent): void {
    const { document, contentChanges, reason } = event;
    if (contentChanges.length === 0 || document !== vscode.window.activeTextEditor?.document) return;
    this.typed =
      reason === undefined && isTyped(changesOf(event)) ? { document, version: document.version } : undefined;
    // What was asked for the text of a moment ago is of no use.
    this.ahead.abort();
  }

  /** The cursor follows what was typed, and only then it is known where it stands. */
  private moved({ textEditor, selections, kind }: vscode.TextEditorSelectionChangeEvent): void {
    const { document } = textEditor;
    const isTyped = this.typed?.document === document && this.typed.version === document.version;
    this.typed = undefined;
    const [selection] = selections;
    if (!isTyped || kind !== vscode.TextEditorSelectionChangeKind.Keyboard) return;
    if (selections.length > 1 || selection?.isEmpty !== true) return;
    if (this.isListOpen || this.isQuiet() || !isWanted(document)) return;
    const provider = this.client.getFeature(InlineCompletionRequest.method)?.getProvider(document);
    if (provider === undefined) return;
    const position = selection.active;
    this.ahead.ask(placeOf(document, position), async signal => {
      const cancellation = new vscode.CancellationTokenSource();
      signal.addEventListener("abort", () => cancellation.cancel());
      this.own.add(cancellation.token);
      return provider.provideInlineCompletionItems(document, position, TYPING, cancellation.token);
    });
  }
}

function placeOf(document: vscode.TextDocument, { line, character }: vscode.Position): Place {
  return { uri: document.uri.toString(), version: document.version, line, character };
}

/** Whether the editor is going to ask for suggestions in a document, and the server to have some. */
function isWanted(document: vscode.TextDocument): boolean {
  const redraft = vscode.workspace.getConfiguration("redraft", document);
  return (
    vscode.workspace.getConfiguration("editor", document).get("inlineSuggest.enabled") === true &&
    redraft.get("enable") !== false &&
    redraft.get("inlineCompletion") !== false
  );
}
