import assert from "node:assert/strict";
import path from "node:path";
import { CANVASES } from "../bounds.ts";
import { fakeServer, overheard, type Rig } from "../rig.ts";
import { Stage, TALK } from "../stage.ts";
import { pictures } from "../timing.ts";
import { until } from "../until.ts";

const REPAIR = "Redraft: Repair Selection or Around Cursor";
const MASK = "░";

/** A file that parses, with three things that the fake engine repairs far from each other. */
const lines = (steps: number) => [
  `# steps: ${steps}`,
  "# masks",
  "def first(items):",
  "    prnt(items[0])",
  "    return items[0]",
  "",
  "",
  "def second(items):",
  "    for item in items:",
  "        prnt(item)",
  "    return items",
  "",
  "",
  "def third(items):",
  "    for item in reversed(items):",
  "        prnt(item)",
  "    return None",
  "",
];
const text = (steps: number) => lines(steps).join("\n");
const repaired = (steps: number, ...which: number[]) => {
  const result = lines(steps);
  for (const line of which) {
    result[line - 1] = result[line - 1]?.replace("prnt", "print") ?? "";
  }
  return result.join("\n");
};
const HUNKS = [4, 10, 16] as const;

export default (rig: Rig) =>
  describe("the review of a rewrite", () => {
    let stage: Stage;
    let number = 0;

    before(async () => {
      stage = await Stage.ready(rig, folder => ({
        files: { "a.py": text(40) },
        open: "a.py",
        settings: {
          "redraft.path": overheard(path.join(folder, TALK), fakeServer(path.join(folder, "engine.log"))),
        },
      }));
    });
    after(() => stage.strike());

    /** A file of its own for a test, so that none sees the undo steps of another. */
    async function open(steps: number): Promise<string> {
      const name = `review${number++}.py`;
      await stage.opens(name, text(steps));
      return name;
    }

    async function repair(): Promise<void> {
      await stage.workbench.selectLines(3, 17);
      await stage.workbench.command(REPAIR);
    }

    async function reviewed(): Promise<void> {
      await until("the review is open", async () =>
        (await stage.workbench.codeLenses()).join().includes("Accept all"),
      );
    }

    async function decided(): Promise<void> {
      await until("the review is over", async () => (await stage.workbench.codeLenses()).length === 0);
    }

    it("shows the canvas while the rewrite runs, without touching the text", async () => {
      const { workbench } = stage;
      const name = await open(300);
      const seen = await pictures(stage, async () => {
        await repair();
        await until("masks are drawn", async () =>
          (await workbench.drawn()).some(line => line.decorated.includes(MASK)),
        );
        assert.deepEqual((await workbench.lines()).join("\n").includes(MASK), false);
        await stage.screenshot("live-canvas");
        await reviewed();
      });
      const masks = seen.map(({ text }) => text.split(MASK).length - 1);
      const masked = masks.filter(count => count > 0);
      assert.ok(masked.length >= 5, `only ${masked.length} pictures with masks`);
      assert.ok((masked.at(-1) ?? 0) < (masked[0] ?? 0), `masks: ${masks}`);
      await stage.screenshot("review");
      await workbench.press("Alt+Shift+Backspace");
      await decided();
      await stage.saves(name, text(300));
    });

    it("rejects all, accepts all the next time, and one Undo returns to the text from before", async () => {
      const { workbench } = stage;
      const name = await open(10);
      await repair();
      await reviewed();
      await workbench.press("Alt+Shift+Backspace");
      await decided();
      await stage.saves(name, text(10));

      await workbench.command("Redraft: Run the Last Rewrite Again");
      await reviewed();
      await workbench.press("Alt+Shift+Enter");
      await decided();
      await stage.saves(name, repaired(10, ...HUNKS));

      await workbench.press("Control+z");
      await stage.saves(name, text(10));
    });

    it("accepts and rejects a hunk alone", async () => {
      const { workbench } = stage;
      const name = await open(10);
      await repair();
      await reviewed();
      const [first, second, third] = HUNKS;
      await workbench.goTo(second);
      await workbench.press("Alt+Backspace");
      await until(
        "two hunks are left",
        async () => (await workbench.codeLenses()).join().match(/Reject,|Reject$/g)?.length === 2,
      );
      await workbench.goTo(first);
      await workbench.press("Alt+Enter");
      await until("one hunk is left", async () =>
        (await workbench.codeLenses()).join().includes("Accept all"),
      );
      await workbench.goTo(third);
      await workbench.press("Alt+Enter");
      await decided();
      await stage.saves(name, repaired(10, first, third));
      // Although the cursor has been moved in between, which ends an undo step.
      await workbench.press("Control+z");
      await stage.saves(name, text(10));
    });

    it("takes two rejections right behind each other, and one Undo for all", async () => {
      const { workbench } = stage;
      const name = await open(10);
      await repair();
      await reviewed();
      const [first, second] = HUNKS;
      await workbench.goTo(second);
      await workbench.press("Alt+Backspace", "Alt+Backspace");
      await until(
        "one hunk is left",
        async () => (await workbench.codeLenses()).join().match(/Reject,|Reject$/g)?.length === 1,
      );
      await workbench.press("Alt+Shift+Enter");
      await decided();
      await stage.saves(name, repaired(10, first));
      await workbench.press("Control+z");
      await stage.saves(name, text(10));
    });

    it("takes clicks on the lenses above a hunk", async () => {
      const { workbench } = stage;
      const name = await open(10);
      await repair();
      await reviewed();
      await workbench.page.locator(".codelens-decoration a", { hasText: "Reject all" }).click();
      await decided();
      await stage.saves(name, text(10));
    });

    it("drops no key that is typed elsewhere while 400 steps are drawn", async () => {
      const { workbench } = stage;
      const name = await open(400);
      await repair();
      await until("masks are drawn", async () =>
        (await workbench.drawn()).some(line => line.decorated.includes(MASK)),
      );
      const since = performance.timeOrigin + performance.now();
      const typed = "# the quick brown fox jumps over the lazy dog 0123456789";
      const seen = await pictures(stage, async () => {
        await workbench.goTo(18);
        await workbench.type(typed, 10);
        await reviewed();
      });
      await workbench.press("Alt+Shift+Enter");
      await decided();
      await stage.saves(name, repaired(400, ...HUNKS) + typed);
      canvasesPerSecond(since, seen);
      // What is typed elsewhere takes nothing of the canvas away.
      const last = seen.findLastIndex(picture => picture.text.includes(MASK));
      assert.ok(last >= 0);
      const blank = seen.slice(0, last).filter(picture => picture.text === "");
      assert.deepEqual(blank, []);
    });

    it("draws every step of 12 changing lines, or nearly, while somebody types 10 keys a second", async () => {
      const { workbench } = stage;
      const name = `review${number++}.py`;
      const calls = Array.from(
        { length: 12 },
        (_, index) => `    prnt(items[${index}], "a text of line ${index}")`,
      );
      const before = ["# steps: 400", "# masks", "def first(items):", ...calls, "    return items", "", ""];
      await stage.opens(name, before.join("\n"));
      await workbench.selectLines(3, 16);
      await workbench.command(REPAIR);
      await workbench.goTo(18);
      await until("masks are drawn", async () =>
        (await workbench.drawn()).some(line => line.decorated.includes(MASK)),
      );
      const since = performance.timeOrigin + performance.now();
      const typed = "# somebody types";
      const seen = await pictures(stage, () => workbench.type(typed, 100));
      const drawn = canvasesPerSecond(since, seen);
      await reviewed();
      await workbench.press("Alt+Shift+Enter");
      await decided();
      await stage.saves(name, before.join("\n").replaceAll("prnt", "print") + typed);
      assert.ok(drawn >= CANVASES);
    });

    /** How many canvases with masks `seen` has a second, which begins at `since`. */
    function canvasesPerSecond(since: number, seen: readonly { at: number; text: string }[]): number {
      const masked = seen.filter(picture => picture.text.includes(MASK));
      const end = masked.at(-1)?.at ?? since;
      const sent = stage.talk.filter(
        said => said.at > since && said.at <= end && said.message.method === "redraft/denoise",
      );
      const seconds = (end - since) / 1000;
      console.log(
        `      canvases a second while typing: ${(sent.length / seconds).toFixed(0)} sent by the server, ` +
          `${(masked.length / seconds).toFixed(0)} drawn (${masked.length} in ${seconds.toFixed(1)} s)`,
      );
      return masked.length / seconds;
    }

    it("is cancelled by Escape, and leaves nothing behind", async () => {
      const { workbench } = stage;
      const name = await open(1000);
      await repair();
      await until("masks are drawn", async () =>
        (await workbench.drawn()).some(line => line.decorated.includes(MASK)),
      );
      await workbench.press("Escape");
      await until("no masks are drawn", async () =>
        (await workbench.drawn()).every(line => !line.decorated.includes(MASK)),
      );
      await until("the engine has heard of it", () => stage.log("engine.log").includes("cancelled"));
      assert.equal(stage.read(name), text(1000));
      assert.deepEqual(await workbench.codeLenses(), []);
    });
  });
