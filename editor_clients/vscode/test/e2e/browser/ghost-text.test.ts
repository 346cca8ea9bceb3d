import assert from "node:assert/strict";
import path from "node:path";
import { ACTIVATION_MS, KEYSTROKE_MS, PAUSE_OF_VSCODE_MS } from "../bounds.ts";
import { fakeServer, overheard, type Rig } from "../rig.ts";
import { Stage, TALK } from "../stage.ts";
import { median, timedKeystroke } from "../timing.ts";
import { until } from "../until.ts";
import { isThere } from "../workbench.ts";

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
          "redraft.multiLine": "always",
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

    // The engine takes a step in 10 ms; the bundled model takes 7 to 9 for a line, each as long, on two cores.
    for (const steps of [1, 8]) {
      it(`appears soon after the key, with a server that takes ${steps} steps`, async () => {
        const { workbench } = stage;
        await stage.opens(`timed${steps}.py`, text.replace("# steps: 1", `# steps: ${steps}`));
        await workbench.goTo(3);
        await workbench.type("def ");
        const keystrokes = [];
        for (const key of "abcdefghijklmnopqrst") {
          await workbench.press("Escape");
          await workbench.ghost.first().waitFor({ state: "hidden" });
          keystrokes.push(await timedKeystroke(stage, key));
        }
        const whole = median(keystrokes.map(each => each.shown - each.pressed));
        const server = median(keystrokes.map(each => each.answered - each.asked));
        const before = median(keystrokes.map(each => each.asked - each.pressed));
        const behind = median(keystrokes.map(each => each.shown - each.answered));
        console.log(
          `      key to ghost text: ${whole.toFixed(0)} ms (medians of ${keystrokes.length}), of which ` +
            `${before.toFixed(0)} until the server is asked, ${server.toFixed(0)} until it has answered, ` +
            `${behind.toFixed(0)} to the screen`,
        );
        // The editor pauses before it asks, whatever the server does meanwhile.
        const bound = Math.max(server, PAUSE_OF_VSCODE_MS) + KEYSTROKE_MS;
        assert.ok(whole <= bound, `${whole} ms`);
      });
    }

    it("comes from an extension that was quick to start, as VS Code itself counts", async () => {
      const { workbench } = stage;
      const row = workbench.page.locator(".runtime-extensions-editor .monaco-list-row", {
        hasText: "Redraft",
      });
      await until("VS Code shows its running extensions", async () => {
        await workbench.command("Developer: Show Running Extensions");
        return await isThere(row, 5000);
      });
      const milliseconds = Number(/Activation: (\d+)ms/.exec((await row.textContent()) ?? "")?.[1]);
      console.log(`      activation, without the server: ${milliseconds} ms`);
      await stage.screenshot("running-extensions");
      await workbench.press("Escape");
      assert.ok(milliseconds <= ACTIVATION_MS);
    });
  });
