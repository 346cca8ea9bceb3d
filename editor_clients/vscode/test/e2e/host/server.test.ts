import assert from "node:assert/strict";
import * as vscode from "vscode";
import { until } from "../until.ts";
import { extension, opened, running, talk } from "./workspace.ts";

const BROKEN = "def f():\n    retrun 1\n";

describe("the language server", () => {
  before(async () => {
    await extension().activate();
    await running();
  });

  it("gets null for each setting that nobody has set, and is asked for the live canvas", () => {
    const initialize = talk().find(said => said.message.method === "initialize");
    const { liveDenoise, ...others } = initialize?.message.params.initializationOptions ?? {};
    assert.equal(liveDenoise, true);
    assert.ok("multiLine" in others);
    assert.deepEqual(
      Object.entries(others).filter(([, value]) => value !== null),
      [],
    );
  });

  it("gets a setting when it is set, and null again when it is not", async () => {
    const settings = vscode.workspace.getConfiguration("redraft");
    for (const value of ["never", undefined]) {
      const since = Date.now();
      await settings.update("multiLine", value, vscode.ConfigurationTarget.Global);
      await until(`the server hears of ${value}`, () =>
        talk().some(said => {
          const { method, params } = said.message;
          const sent = method === "workspace/didChangeConfiguration" && params.settings.redraft.multiLine;
          return said.at >= since && sent === (value ?? null);
        }),
      );
    }
  });

  it("offers its actions, the repair of a syntax error among them", async () => {
    const { document } = await opened(BROKEN);
    const actions = await until("there are actions", async () => {
      const found = await vscode.commands.executeCommand<vscode.CodeAction[]>(
        "vscode.executeCodeActionProvider",
        document.uri,
        new vscode.Range(1, 0, 1, 8),
      );
      return found.some(action => action.title.startsWith("Redraft")) && found;
    });
    const kinds = actions.map(action => action.kind?.value);
    assert.ok(kinds.includes("quickfix.redraft"), kinds.join());
    assert.ok(kinds.includes("refactor.rewrite.redraft.repair"), kinds.join());
    assert.ok(kinds.includes("refactor.rewrite.redraft.types"), kinds.join());
  });

  it("repairs a file that is saved, if the user wants that", async () => {
    const python = vscode.workspace.getConfiguration("editor", { languageId: "python" });
    await python.update(
      "codeActionsOnSave",
      { "source.fixAll.redraft": "explicit" },
      vscode.ConfigurationTarget.Global,
      true,
    );
    try {
      const editor = await opened(BROKEN);
      await editor.edit(builder => builder.insert(new vscode.Position(0, 0), "# new\n"));
      await editor.document.save();
      assert.equal(editor.document.getText(), `# new\n${BROKEN.replace("retrun", "return")}`);
      assert.equal(editor.document.isDirty, false);
    } finally {
      await python.update("codeActionsOnSave", undefined, vscode.ConfigurationTarget.Global, true);
    }
  });

  it("suggests text at the cursor", async () => {
    const editor = await opened('# drafts: ["(a, b):\\n    return a + b"]\ndef add');
    const end = editor.document.lineAt(1).range.end;
    editor.selection = new vscode.Selection(end, end);
    await until("the suggestion can be accepted", async () => {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
      await vscode.commands.executeCommand("editor.action.inlineSuggest.commit");
      return editor.document.getText().endsWith("def add(a, b):\n    return a + b");
    });
  });

  it("can be started again, twice in a row, without anything being there twice", async () => {
    const starts = () => talk().filter(said => said.message.method === "initialize").length;
    const before = starts();
    await Promise.all([
      vscode.commands.executeCommand("redraft.restart"),
      vscode.commands.executeCommand("redraft.restart"),
    ]);
    await running();
    await until("it has been started", () => starts() > before);
    assert.ok(starts() <= before + 2);
    assert.equal(extension().exports.state.server, "running");
  });

  it("stops when the user wants it to, and starts again", async () => {
    await vscode.commands.executeCommand("redraft.stopServer");
    assert.equal(extension().exports.state.server, "stopped");
    assert.ok(talk().some(said => said.message.method === "exit"));
    await vscode.commands.executeCommand("redraft.restart");
    await running();
  });
});
