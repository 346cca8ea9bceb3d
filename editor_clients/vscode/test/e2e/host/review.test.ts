import assert from "node:assert/strict";
import * as vscode from "vscode";
import { until } from "../until.ts";
import { extension, opened, running } from "./workspace.ts";

const TEXT = "def f(a):\r\n    prnt(a)\r\n    s = '😀é'\r\n    prnt(s)\r\n";
const REPAIRED = TEXT.replaceAll("prnt", "print");

describe("the commands of a review", () => {
  before(async () => {
    await extension().activate();
    await running();
  });

  async function repaired(): Promise<vscode.TextEditor> {
    const editor = await opened(TEXT);
    editor.selection = new vscode.Selection(0, 0, 4, 0);
    await vscode.commands.executeCommand("redraft.repair");
    await until("the rewrite is applied", () => editor.document.getText() === REPAIRED);
    return editor;
  }

  it("reject everything, byte for byte", async () => {
    const { document } = await repaired();
    await vscode.commands.executeCommand("redraft.rejectAll");
    assert.equal(document.getText(), TEXT);
  });

  it("accept everything, which one Undo takes back", async () => {
    const { document } = await repaired();
    await vscode.commands.executeCommand("redraft.acceptAll");
    assert.equal(document.getText(), REPAIRED);
    await vscode.commands.executeCommand("undo");
    assert.equal(document.getText(), TEXT);
  });

  it("undo the last rewrite, and only if it stands", async () => {
    const { document } = await repaired();
    await vscode.commands.executeCommand("redraft.acceptAll");
    await vscode.commands.executeCommand("redraft.undoLast");
    assert.equal(document.getText(), TEXT);
    void vscode.commands.executeCommand("redraft.undoLast");
    await until("nothing happens", () => document.getText() === TEXT);
  });

  it("work on a file that was never saved", async () => {
    const document = await vscode.workspace.openTextDocument({ language: "python", content: "prnt(1)\n" });
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(0, 0, 1, 0);
    await vscode.commands.executeCommand("redraft.repair");
    await until("it is rewritten", () => document.getText() === "print(1)\n");
    await vscode.commands.executeCommand("redraft.rejectAll");
    assert.equal(document.getText(), "prnt(1)\n");
  });

  it("apply at once if the user wants no review", async () => {
    const settings = vscode.workspace.getConfiguration("redraft");
    await settings.update("review", "off", vscode.ConfigurationTarget.Global);
    try {
      const { document } = await repaired();
      await vscode.commands.executeCommand("redraft.rejectAll");
      assert.equal(document.getText(), REPAIRED);
      await vscode.commands.executeCommand("undo");
      assert.equal(document.getText(), TEXT);
    } finally {
      await settings.update("review", undefined, vscode.ConfigurationTarget.Global);
    }
  });
});
