import assert from "node:assert/strict";
import * as vscode from "vscode";

describe("the extension", () => {
  it("is there", async () => {
    const extension = vscode.extensions.getExtension("redraft.redraft");
    assert.ok(extension);
  });
});
