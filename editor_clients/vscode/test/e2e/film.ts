/**
 * Films how the bundled model repairs a selection: pictures into a folder, each named after the millisecond it is from.
 *
 *     film.ts VSIX FOLDER
 *
 * Also takes the pictures of docs/figures/ that stand still, as PNG beside the film's.
 */

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setUp, tearDown } from "./rig.ts";
import { Stage } from "./stage.ts";
import { pause, until } from "./until.ts";

const TEXT = `"""What a small workshop has to order."""


def missing(parts):
    """The parts of which there are too few."""
    found = []
    for part in parts
        if part.count < part.minimum
            found.append(part)
    return sorted(found, key=lambda part: part.name


def total(parts):
    return sum(part.price for part in missing(parts))
`;

const [vsix = "", folder = ""] = process.argv.slice(2);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const rig = await setUp("newest", path.resolve(vsix));
const stage = await Stage.ready(rig, () => ({
  files: { "orders.py": TEXT },
  open: "orders.py",
  settings: {
    "editor.fontSize": 16,
    "editor.minimap.enabled": false,
    "window.commandCenter": false,
    "workbench.colorTheme": "Default Dark Modern",
    "workbench.activityBar.location": "hidden",
    "workbench.layoutControl.enabled": false,
  },
}));
try {
  const { workbench } = stage;
  const { page } = workbench;
  await page.setViewportSize({ width: 960, height: 540 });
  await workbench.press("Control+b");
  await workbench.selectLines(4, 10);
  // The first request loads the model, which is no part of the film.
  await workbench.command("Redraft: Repair Selection or Around Cursor");
  await reviewed();
  await workbench.press("Alt+Shift+Backspace");
  await until("it is rejected", async () => (await workbench.codeLenses()).length === 0);
  await workbench.selectLines(4, 10);

  const camera = await page.context().newCDPSession(page);
  let start = 0;
  camera.on("Page.screencastFrame", async ({ data, metadata, sessionId }) => {
    const at = (metadata.timestamp ?? 0) * 1000;
    start ||= at;
    writeFileSync(
      path.join(folder, `${String(Math.round(at - start)).padStart(6, "0")}.png`),
      data,
      "base64",
    );
    await camera.send("Page.screencastFrameAck", { sessionId }).catch(() => undefined);
  });
  await camera.send("Page.startScreencast", { format: "png", everyNthFrame: 1 });
  await pause(1200);
  await workbench.command("Redraft: Repair Selection or Around Cursor");
  await until("it runs", async () => (await workbench.condition()).includes("working on a rewrite"));
  // The colour of a selection hides what happens in it.
  await workbench.press("ArrowRight");
  await reviewed();
  await pause(2500);
  await page.screenshot({ path: path.join(folder, "review.png") });
  await workbench.press("Alt+Shift+Enter");
  await pause(1000);
  await camera.send("Page.stopScreencast");
} finally {
  await stage.strike();
  await tearDown(rig);
}

async function reviewed(): Promise<void> {
  await until("the review is open", async () => (await stage.workbench.codeLenses()).length > 0, 90);
}
