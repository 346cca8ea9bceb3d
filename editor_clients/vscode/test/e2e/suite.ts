/**
 * All tests in one release of VS Code.
 *
 *     suite.ts newest|oldest VSIX TALLY [--only host|browser] [--grep PATTERN]
 *
 * The file TALLY gets what came of them. Started by run.ts, in a network that ends at this machine if that is possible.
 */

import assert from "node:assert/strict";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import Mocha from "mocha";
import { runInExtensionHost } from "./extension-host.ts";
import type { RELEASES } from "./install.ts";
import { unrouted } from "./network.ts";
import { fakeServer, HOST_TESTS, overheard, type Rig, SCREENSHOTS, setUp, tearDown } from "./rig.ts";
import { TALK } from "./stage.ts";
import { RETRIES, type Tally, tallied } from "./tally.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, grep: { type: "string" } },
});
const [release, vsix, tallyFile] = positionals as [keyof typeof RELEASES, string, string];

const rig = await setUp(release, vsix);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // An aborted run leaves nothing behind that goes on running.
  process.once(signal, () => void tearDown(rig).finally(() => process.exit(1)));
}
try {
  // What a user sees is tried in the newest one; in the oldest, whether it has all that the extension calls.
  const kinds = values.only ? [values.only] : release === "newest" ? ["host", "browser"] : ["host"];
  console.log(`\nVS Code ${rig.installation.version}: ${kinds.join(" and ")}`);
  const tallies: Tally[] = [];
  if (kinds.includes("host")) {
    tallies.push(await hostTests(rig));
  }
  if (kinds.includes("browser")) {
    tallies.push(await browserTests(rig, values.grep));
  }
  const tally: Tally = {
    passed: tallies.reduce((total, { passed }) => total + passed, 0),
    failed: tallies.flatMap(({ failed }) => failed),
    retried: tallies.flatMap(({ retried }) => retried),
  };
  writeFileSync(tallyFile, JSON.stringify(tally));
} finally {
  await tearDown(rig);
}

async function hostTests(rig: Rig): Promise<Tally> {
  return await runInExtensionHost(rig, HOST_TESTS, folder => ({
    // No Python file, so that the tests see the extension being activated.
    files: { "first.txt": "" },
    open: "first.txt",
    settings: {
      "redraft.path": overheard(
        path.join(folder, TALK),
        fakeServer(path.join(folder, "engine.log"), "--types"),
      ),
    },
  }));
}

async function browserTests(rig: Rig, grep: string | undefined): Promise<Tally> {
  const mocha = new Mocha({
    timeout: 90_000,
    slow: 20_000,
    color: false,
    retries: RETRIES,
    ...(grep && { grep }),
  });
  // What Mocha does before it loads a file: from now on there are `describe` and `it`.
  mocha.suite.emit(Mocha.Suite.constants.EVENT_FILE_PRE_REQUIRE, globalThis, "", mocha);
  mocha.suite.afterEach("a picture of what failed", async function () {
    if (this.currentTest?.state === "failed") {
      const name = this.currentTest.fullTitle().replaceAll(/\W+/g, "-").slice(0, 100);
      await rig.context
        .pages()
        .at(-1)
        ?.screenshot({ path: path.join(SCREENSHOTS, `failed-${name}.png`) });
    }
  });
  mocha.suite.afterEach("nothing was asked of another machine", () => {
    assert.deepEqual({ pages: rig.requested, packets: unrouted() }, { pages: [], packets: 0 });
  });
  const folder = path.join(import.meta.dirname, "browser");
  for (const name of readdirSync(folder)
    .filter(name => name.endsWith(".test.ts"))
    .sort()) {
    const { default: tests } = (await import(path.join(folder, name))) as { default: (rig: Rig) => void };
    tests(rig);
  }
  return await tallied(done => mocha.run(done));
}
