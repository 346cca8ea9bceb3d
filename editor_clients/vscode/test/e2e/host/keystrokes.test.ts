import assert from "node:assert/strict";
import * as vscode from "vscode";
import { pause, until } from "../until.ts";
import { extension, opened, running, talk } from "./workspace.ts";

/** Longer than the editor pauses before it asks, on a busy machine, too. */
const MS_UNTIL_ASKED = 1000;
const ASK = "textDocument/inlineCompletion";
const TEXT = '# drafts: ["(a, b):"]\n# steps: 30\ndef ';

describe("a key", () => {
  before(async () => {
    await extension().activate();
    await running();
    // The editor's own list would make other questions of the same keys.
    await settings().update("quickSuggestions", false, vscode.ConfigurationTarget.Global);
  });
  after(async () => {
    await settings().update("quickSuggestions", undefined, vscode.ConfigurationTarget.Global);
  });

  const settings = () => vscode.workspace.getConfiguration("editor");

  /** What was asked while `action` ran and for a while after it, and what of that was called off. */
  async function asked(
    action: () => Thenable<unknown>,
  ): Promise<{ version: number; isCancelled: boolean }[]> {
    await pause(MS_UNTIL_ASKED);
    const count = talk().length;
    await action();
    await pause(MS_UNTIL_ASKED);
    const said = talk().slice(count);
    const cancelled = said
      .filter(({ message }) => message.method === "$/cancelRequest")
      .map(({ message }) => message.params.id);
    const changes = said.filter(({ message }) => message.method === "textDocument/didChange");
    return said
      .filter(({ message }) => message.method === ASK)
      .map(({ at, message }) => ({
        version: changes.filter(change => change.at <= at).at(-1)?.message.params.textDocument.version,
        isCancelled: cancelled.includes(message.id),
      }));
  }

  async function ready(): Promise<vscode.TextEditor> {
    const editor = await opened(TEXT);
    const end = editor.document.lineAt(2).range.end;
    editor.selection = new vscode.Selection(end, end);
    // The editor suggests only where somebody has typed.
    await type("x");
    await until("it asks", () => talk().at(-1)?.message.id !== undefined);
    return editor;
  }

  const type = (text: string) => vscode.commands.executeCommand("type", { text });

  it("asks for one suggestion, which the editor gets when it wants it", async () => {
    const editor = await ready();
    const found = await asked(async () => {
      await type("a");
      await until("the suggestion can be accepted", async () => {
        await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
        return editor.document.getText().endsWith("def xa(a, b):");
      });
    });
    // What was accepted is an edit as well, behind which the editor asks on its own.
    const [first, ...others] = found;
    assert.deepEqual(first, { version: 3, isCancelled: false });
    assert.ok(others.every(each => each.version > 3));
  });

  it("calls off what the key before it has asked", async () => {
    const { document } = await ready();
    const version = document.version;
    const found = await asked(async () => {
      const count = talk().length;
      await type("a");
      await until("it is asked", () =>
        talk()
          .slice(count)
          .some(({ message }) => message.method === ASK),
      );
      await type("b");
    });
    assert.deepEqual(found, [
      { version: version + 1, isCancelled: true },
      { version: version + 2, isCancelled: false },
    ]);
  });

  /** How long after `action` has changed the text a suggestion was asked for. */
  async function delay(action: () => Thenable<unknown>): Promise<number> {
    const count = talk().length;
    assert.equal((await asked(action)).length, 1);
    const said = talk().slice(count);
    const change = said.find(({ message }) => message.method === "textDocument/didChange");
    const question = said.find(({ message }) => message.method === ASK);
    assert.ok(change !== undefined && question !== undefined);
    return question.at - change.at;
  }

  it("asks before the editor does, which is left alone with deletions, pastes and several cursors", async () => {
    const editor = await ready();
    const typed = await delay(() => type("a"));
    const deleted = await delay(() => vscode.commands.executeCommand("deleteLeft"));
    const pasted = await delay(() => vscode.commands.executeCommand("paste", { text: "pasted" }));
    assert.equal(editor.document.lineAt(2).text, "def xpasted");
    editor.selections = [2, 1].map(line => {
      const { end } = editor.document.lineAt(line).range;
      return new vscode.Selection(end, end);
    });
    const several = await delay(() => type("a"));
    assert.equal(editor.document.lineAt(2).text, "def xpasteda");
    assert.ok(typed < Math.min(deleted, pasted, several), `${[typed, deleted, pasted, several]}`);
  });

  it("asks nothing if the user wants no suggestions", async () => {
    await settings().update("inlineSuggest.enabled", false, vscode.ConfigurationTarget.Global);
    try {
      const other = await opened(TEXT);
      const end = other.document.lineAt(2).range.end;
      other.selection = new vscode.Selection(end, end);
      assert.deepEqual(await asked(() => type("a")), []);
      assert.equal(other.document.getText(), `${TEXT}a`);
    } finally {
      await settings().update("inlineSuggest.enabled", undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
