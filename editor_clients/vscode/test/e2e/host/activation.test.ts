import assert from "node:assert/strict";
import * as vscode from "vscode";
import { extension, running } from "./workspace.ts";

/** With the way to the extension host and back, on a busy machine; VS Code's own count is in ghost-text.test.ts. */
const MILLISECONDS = 1500;

describe("the extension", () => {
  it("is not active before there is a Python file", () => {
    assert.equal(extension().isActive, false);
  });

  it("activates quickly, without waiting for its server", async function () {
    const start = performance.now();
    await extension().activate();
    const took = performance.now() - start;
    const [loading, loaded] = ["willLoad", "didLoad"].map(name => mark(`code/extHost/${name}ExtensionCode`));
    const load = (loaded ?? Number.NaN) - (loading ?? Number.NaN);
    assert.ok(this.test);
    this.test.title += `: ${took.toFixed(0)} ms, ${load.toFixed(0)} of them until its code is loaded`;
    assert.ok(load < MILLISECONDS, `${load} ms`);
    assert.ok(took < MILLISECONDS, `${took} ms`);
    assert.notEqual(extension().exports.state.server, "running");
    await running();
  });

  it("registers every command that it promises", async () => {
    const promised = extension().packageJSON.contributes.commands.map(
      (each: { command: string }) => each.command,
    );
    const known = new Set(await vscode.commands.getCommands(true));
    assert.ok(promised.length > 20);
    assert.deepEqual(
      promised.filter((command: string) => !known.has(command)),
      [],
    );
  });
});

/** When the extension host passed the mark `name` of the extension. */
function mark(name: string): number | undefined {
  const { MonacoPerformanceMarks: marks } = globalThis as unknown as {
    MonacoPerformanceMarks?: { getMarks(): { name: string; startTime: number }[] };
  };
  return marks?.getMarks().find(each => each.name === `${name}/redraft.redraft`)?.startTime;
}
