import assert from "node:assert/strict";
import path from "node:path";
import { ACTIVATION_MS, KEYSTROKE_MS, PAUSE_OF_VSCODE_MS } from "../bounds.ts";
import { fakeServer, overheard, type Rig } from "../rig.ts";
import { Stage, TALK } from "../stage.ts";
import { median, timedKeystroke } from "../timing.ts";

const DRAFT = "(a, b):\n    return a + b";

export default (rig: Rig) =>
  describe("ghost text", () => {
    let stage: Stage;
    const text = `# drafts: ${JSON.stringify([DRAFT])}\n# steps: 1\n\n`;

    before(async () => {
      stage = await Stage.ready(rig, folder => ({
        files: { "a.py": text },
        open: "a.py",
        settings: {
          "redraft.path": overheard(path.join(folder, TALK), fakeServer(path.join(folder, "engine.log"))),
        },
      }));
    });
    after(() => stage.strike());

    it("shows while one types, and Tab accepts it", async () => {
      const { workbench } = stage;
      await workbench.goTo(3);
      await workbench.type("def add");
      await workbench.ghost.first().waitFor();
      assert.equal((await workbench.lines())[2]?.startsWith("def add"), true);
      await stage.screenshot("ghost-text");
      await workbench.press("Tab");
      await stage.saves("a.py", `${text.trimEnd()}\ndef add${DRAFT}\n`);
      await workbench.press("Control+z", "Control+z");
    });

    it("leaves Tab to indentation when there is none", async () => {
      const { workbench } = stage;
      await stage.opens("empty.py", "if True:\n\n");
      await workbench.goTo(2);
      await workbench.press("Tab");
      await workbench.type("pass");
      await stage.saves("empty.py", "if True:\n    pass\n");
    });

    it("appears soon after the key, whatever the server takes", async () => {
      const { workbench } = stage;
      await stage.opens("timed.py", text);
      await workbench.goTo(3);
      await workbench.type("def ");
      const keystrokes = [];
      for (const key of "abcdefghijklmnopqrst") {
        await workbench.press("Escape");
        await workbench.ghost.first().waitFor({ state: "hidden" });
        keystrokes.push(await timedKeystroke(stage, key));
      }
      const ours = keystrokes.map(each => each.shown - each.pressed - (each.answered - each.asked));
      const before = keystrokes.map(each => each.asked - each.pressed);
      const behind = keystrokes.map(each => each.shown - each.answered);
      console.log(
        `      keystroke to ghost text beyond the server: ${median(ours).toFixed(0)} ms (median of ${ours.length}); ` +
          `${median(before).toFixed(0)} until it is asked, ${median(behind).toFixed(0)} from its answer to the screen`,
      );
      assert.ok(median(ours) - PAUSE_OF_VSCODE_MS <= KEYSTROKE_MS);
    });

    it("comes from an extension that was quick to start, as VS Code itself counts", async () => {
      const { workbench } = stage;
      await workbench.command("Developer: Show Running Extensions");
      const row = workbench.page.locator(".runtime-extensions-editor .monaco-list-row", {
        hasText: "Redraft",
      });
      await row.waitFor();
      const milliseconds = Number(/Activation: (\d+)ms/.exec((await row.textContent()) ?? "")?.[1]);
      console.log(`      activation, without the server: ${milliseconds} ms`);
      await stage.screenshot("running-extensions");
      await workbench.press("Escape");
      assert.ok(milliseconds <= ACTIVATION_MS);
    });
  });
