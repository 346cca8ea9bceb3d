import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

const SCRIPT = path.join(__dirname, "../../scripts/check_imports.mjs");

/** What the check says about a folder with these modules: its exit code, and the circles that it names. */
function checked(modules: Record<string, string>): { code: number | null; said: string[] } {
  const folder = mkdtempSync(path.join(tmpdir(), "redraft-imports-"));
  try {
    for (const [name, text] of Object.entries(modules)) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), text);
    }
    const { status, stderr } = spawnSync(process.execPath, [SCRIPT, folder], { encoding: "utf8" });
    return { code: status, said: stderr.split("\n").filter(line => line !== "") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const circle = (...names: string[]) => `Modules import each other in a circle: ${names.join(" -> ")}`;

test("modules whose imports lead one way are fine, also if two ways lead to one", () => {
  const modules = {
    "a.ts": 'import { b } from "./b";\nimport type { C } from "./c";\nimport * as fs from "node:fs";\n',
    "b.ts": 'export { d } from "./d";\n',
    "c.ts": 'import {\n  d,\n} from "./d";\nexport const from = "./a";\n',
    "d.ts": "export const d = 1;\n",
  };
  expect(checked(modules)).toEqual({ code: 0, said: [] });
});

test("a circle is named once, however many imports make it", () => {
  const modules = {
    "a.ts": 'import type { B } from "./b";\nimport { b } from "./b";\n',
    "b.ts": 'import type { A } from "./a";\nconst { a } = await import("./a");\n',
  };
  expect(checked(modules)).toEqual({ code: 1, said: [circle("a.ts", "b.ts", "a.ts")] });
});

test.each([
  ["values", 'import { b } from "./b";\n'],
  ["types", 'import type { B } from "./b";\n'],
  ["a name that is passed on", 'export { b } from "./b";\n'],
  ["everything that is passed on", "export * from './b';\n"],
  ["nothing but what a module does", 'import "./b";\n'],
  ["a module that is loaded later", 'const { b } = await import("./b");\n'],
  ["a type in the midst of the code", 'let b: import("./b").B;\n'],
  ["names over several lines", 'import {\n  a,\n  b,\n} from "./b";\n'],
])("a circle through an import of %s is found", (_, text) => {
  const found = checked({ "a.ts": text, "b.ts": 'import type { A } from "./a";\n' });
  expect(found).toEqual({ code: 1, said: [circle("a.ts", "b.ts", "a.ts")] });
});

test("a circle is found wherever it is: long, behind other modules, in folders, of one module", () => {
  const modules = {
    "a.ts": 'import "./b";\n',
    "b.ts": 'import "./deep/c";\n',
    "deep/c.ts": 'import "./d.js";\n',
    "deep/d.ts": 'import "../b";\n',
    "e.ts": 'import "./e";\n',
  };
  const said = [
    circle("b.ts", path.join("deep", "c.ts"), path.join("deep", "d.ts"), "b.ts"),
    circle("e.ts", "e.ts"),
  ];
  expect(checked(modules)).toEqual({ code: 1, said });
});

test("an import that leads nowhere fails, for nobody knows what it would lead to", () => {
  const { code, said } = checked({ "a.ts": 'import "./gone";\n' });
  expect(code).toBe(1);
  expect(said.join("\n")).toContain('a.ts imports "./gone", which is no module of');
});

test("a folder without modules fails: it is not the one that was meant", () => {
  expect(checked({ "a.txt": "" }).code).toBe(1);
});
