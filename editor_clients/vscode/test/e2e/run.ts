/**
 * Tests the packaged extension in the newest and the oldest VS Code that it supports; see CONTRIBUTING.md.
 *
 *     run.ts VSIX [--releases newest,oldest] [--only host|browser] [--grep PATTERN]
 *
 * Prints what passed and failed; the exit code is 0 if nothing failed.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { chromium, installed, RELEASES } from "./install.ts";
import { isolation } from "./network.ts";
import { CACHE, HOST_TESTS, PYTHON, SCREENSHOTS } from "./rig.ts";
import type { Tally } from "./tally.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    releases: { type: "string", default: "newest,oldest" },
    only: { type: "string" },
    grep: { type: "string" },
  },
});
const [vsix = ""] = positionals;
const releases = values.releases.split(",").filter(name => name in RELEASES) as (keyof typeof RELEASES)[];

rmSync(SCREENSHOTS, { recursive: true, force: true });
chromium();
for (const release of releases) {
  installed(RELEASES[release], CACHE);
}
await bundleHostTests();

const start = isolation(PYTHON);
if (start === undefined) {
  console.log("This machine allows no network of the tests' own: only what the browser asks for is watched.");
}
let passed = 0;
const failed: string[] = [];
const retried: string[] = [];
for (const release of releases) {
  const tally = await suite(release);
  passed += tally.passed;
  const described = (what: string) => `VS Code ${version(release)}, ${what}`;
  failed.push(...tally.failed.map(described));
  retried.push(...tally.retried.map(described));
}
console.log(`VS Code ${releases.map(version).join(" and ")}: ${passed} passed, ${failed.length} failed`);
// Once more, where nobody has to look for it: the end of a log is what is kept of it.
for (const what of retried) {
  console.log(`failed at first: ${what}`);
}
for (const what of failed) {
  console.log(`failed: ${what}`);
}
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;

function version(release: keyof typeof RELEASES): string {
  return RELEASES[release].codeServer.replace("4.", "1.");
}

/** What came of the tests in `release`; a run that ends without saying so has failed. */
async function suite(release: keyof typeof RELEASES): Promise<Tally> {
  const folder = mkdtempSync(path.join(tmpdir(), "redraft-tally-"));
  const tally = path.join(folder, "tally.json");
  const options = (["only", "grep"] as const).flatMap(name =>
    values[name] ? [`--${name}`, values[name]] : [],
  );
  const program = [process.execPath, path.join(import.meta.dirname, "suite.ts")];
  const command = [...(start ?? []), ...program, release, path.resolve(vsix), tally, ...options];
  const [first = "", ...rest] = command;
  const child = spawn(first, rest, { stdio: "inherit" });
  const end = (): unknown => child.kill("SIGTERM");
  process.on("SIGTERM", end);
  process.on("SIGINT", end);
  await once(child, "exit");
  try {
    return JSON.parse(readFileSync(tally, "utf8")) as Tally;
  } catch {
    return { passed: 0, failed: ["the tests ended without a result"], retried: [] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One file for the extension host, whose Node may be too old to read TypeScript, and an extension around it. */
async function bundleHostTests(): Promise<void> {
  mkdirSync(HOST_TESTS, { recursive: true });
  const manifest = {
    name: "redraft-tests",
    publisher: "redraft",
    version: "0.0.0",
    engines: { vscode: "*" },
  };
  writeFileSync(path.join(HOST_TESTS, "package.json"), JSON.stringify(manifest));
  // The extension's own esbuild.
  const require = createRequire(path.join(import.meta.dirname, "../../package.json"));
  const { build } = require("esbuild") as { build: (options: object) => Promise<unknown> };
  await build({
    entryPoints: [path.join(import.meta.dirname, "host/index.ts")],
    outfile: path.join(HOST_TESTS, "index.cjs"),
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    external: ["vscode"],
    sourcemap: "inline",
    // Mocha can run tests in parallel, which nobody asks for here, and esbuild warns of that.
    logLevel: "error",
  });
}
