import assert from "node:assert/strict";
import path from "node:path";
import { fakeServer, type Rig } from "../rig.ts";
import { Stage } from "../stage.ts";

export default (rig: Rig) =>
  describe("ghost text", () => {
    let stage: Stage;
    before(async () => {
      stage = await Stage.set(rig, folder => ({
        files: { "a.py": '# drafts: ["(a, b):\\n    return a + b"]\n\n' },
        open: "a.py",
        settings: { "redraft.path": fakeServer(path.join(folder, "engine.log")) },
      }));
      await stage.workbench.shows("a.py");
    });
    after(() => stage.strike());

    it("shows", async () => {
      const { workbench } = stage;
      await workbench.page.waitForTimeout(3000);
      await workbench.goTo(2);
      await workbench.type("def add");
      await workbench.ghost.first().waitFor();
      assert.ok(true);
    });
  });
