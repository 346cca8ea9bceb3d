/** Where VS Code starts the tests inside its extension host. */

import { appendFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { format } from "node:util";
import Mocha from "mocha";
import { RETRIES, tallied } from "../tally.ts";
import { FOLDER } from "./workspace.ts";

export async function run(): Promise<void> {
  // The console of an extension host is full of what others say.
  Mocha.reporters.Base.consoleLog = (...values: unknown[]) =>
    appendFileSync(path.join(FOLDER, "report.txt"), `${format(...values)}\n`);
  const mocha = new Mocha({ timeout: 60_000, slow: 10_000, color: false, retries: RETRIES });
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, "", mocha);
  // Modules for their effect, which want `describe` to be there.
  await import("./activation.test.ts");
  await import("./server.test.ts");
  await import("./keystrokes.test.ts");
  await import("./review.test.ts");
  const tally = await tallied(done => mocha.run(done));
  writeFileSync(path.join(FOLDER, "tally.json"), JSON.stringify(tally));
  if (tally.failed.length > 0) {
    throw new Error(`${tally.failed.length} failed`);
  }
}
