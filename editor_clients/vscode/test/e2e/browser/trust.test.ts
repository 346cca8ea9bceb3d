import assert from "node:assert/strict";
import path from "node:path";
import { PYTHON, type Rig } from "../rig.ts";
import { Stage } from "../stage.ts";
import { pause, until } from "../until.ts";

const PROGRAM = ".venv/bin/redraft";

export default (rig: Rig) =>
  describe("a workspace that is not trusted", () => {
    let stage: Stage;

    before(async () => {
      stage = await Stage.set(rig, folder => ({
        files: {
          "a.py": "x = 1\n",
          // A program of somebody else's repository; what it does here is to leave a trace, and to serve.
          [PROGRAM]: `#!/bin/sh\necho "$@" >> ${folder}/planted.log\nexec ${path.dirname(PYTHON)}/redraft "$@"\n`,
        },
        programs: [PROGRAM],
        open: "a.py",
        asksForTrust: true,
      }));
      const { page } = stage.workbench;
      const dialog = page.locator(".monaco-dialog-box");
      await page.locator(".statusbar", { hasText: "Restricted Mode" }).or(dialog).first().waitFor();
      // Older versions ask at once, newer ones wait for somebody who cares.
      if (await dialog.isVisible()) {
        await dialog.locator(".monaco-button", { hasText: "No" }).first().click();
      }
      await stage.workbench.shows("a.py");
    });
    after(() => stage.strike());

    it("gets a server from elsewhere, and runs none of its programs", async () => {
      const { workbench } = stage;
      await until("the status says what is restricted", async () =>
        (await workbench.condition()).includes("not trusted"),
      );
      await workbench.ready();
      await stage.screenshot("untrusted");
      await pause(500);
      assert.equal(stage.log("planted.log"), "");
    });

    it("has its own server run once it is trusted", async () => {
      const { workbench } = stage;
      await workbench.command("Workspaces: Manage Workspace Trust");
      await workbench.page
        .locator(".workspace-trust-editor .monaco-button", { hasText: "Trust" })
        .first()
        .click();
      await until("the workspace's server runs", () => stage.log("planted.log").startsWith("lsp"));
      await until(
        "nothing is restricted",
        async () => !(await workbench.condition()).includes("not trusted"),
      );
      await workbench.ready();
    });
  });
