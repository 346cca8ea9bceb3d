import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { PYTHON, type Rig, ROOT } from "../rig.ts";
import { Stage } from "../stage.ts";
import { until } from "../until.ts";

const BROKEN = readFileSync(path.join(ROOT, "examples/broken.py"), "utf8");

/** With the real server, found on the search path, its daemon and the bundled model. */
export default (rig: Rig) =>
  describe("a file that does not parse, with the bundled model", () => {
    let stage: Stage;

    before(async () => {
      stage = await Stage.ready(rig, () => ({ files: { "broken.py": BROKEN }, open: "broken.py" }));
    });
    after(async () => {
      await stage.strike();
      execFileSync(PYTHON, ["-m", "redraft_server.cli", "stop"], {
        stdio: "ignore",
        env: { ...process.env, ...rig.environment },
      });
    });

    async function isAccepted(name: string): Promise<void> {
      const { workbench } = stage;
      await until("there is something to review", async () => (await workbench.codeLenses()).length > 0, 80);
      await workbench.press("Alt+Shift+Enter");
      await until("it is accepted", async () => (await workbench.codeLenses()).length === 0);
      await workbench.press("Control+s");
      await until(`${name} is saved`, () => stage.read(name) !== BROKEN, 10);
      python("import ast, sys; ast.parse(sys.stdin.read())", stage.read(name));
    }

    it("is repaired by the lightbulb", async () => {
      await stage.workbench.goTo(
        Number(
          python(
            "import ast, sys\ntry: ast.parse(sys.stdin.read())\nexcept SyntaxError as e: print(e.lineno)",
            BROKEN,
          ),
        ),
      );
      await stage.workbench.codeAction("repair syntax error");
      await isAccepted("broken.py");
    });

    it("is repaired from the command palette", async () => {
      await stage.opens("again.py", BROKEN);
      await stage.workbench.command("Redraft: Repair File");
      await isAccepted("again.py");
      await stage.screenshot("repaired");
    });

    it("says in the status who is connected and what the model is", async () => {
      const { workbench } = stage;
      await workbench.command("Redraft: Show Status");
      const rows = workbench.page.locator(".quick-input-list .monaco-list-row");
      await rows.filter({ hasText: "Memory" }).first().waitFor();
      const facts = (await rows.allInnerTexts()).join("\n");
      await stage.screenshot("status");
      await workbench.press("Escape");
      assert.match(facts, /Model.*tiny/);
      assert.match(facts, /Connected: .+/);
    });
  });

/** What a program in Python prints about a text. */
function python(program: string, text: string): string {
  return execFileSync(PYTHON, ["-c", program], { input: text, encoding: "utf8" });
}
