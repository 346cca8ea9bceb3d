import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Inspected, NAMES, serverSettings } from "../../src/settings";

const PACKAGE = JSON.parse(readFileSync(`${__dirname}/../../package.json`, "utf8"));
const PROPERTIES: Record<string, { default: unknown; scope: string }> =
  PACKAGE.contributes.configuration.properties;

const asked = (values: Record<string, Inspected>) => serverSettings(name => values[name]);

test("what is not set is null, so that the project decides", () => {
  const values = serverSettings(() => ({ defaultValue: true }) as Inspected);
  const { liveDenoise, ...others } = values;
  expect(Object.values(others).every(value => value === null)).toBe(true);
  expect(Object.keys(values)).toEqual([...NAMES]);
  expect(liveDenoise).toBe(true);
});

test("what is set is sent, false and zero and empty lists included", () => {
  const values = asked({
    inlineCompletion: { globalValue: false },
    keepAlive: { globalValue: 0 },
    disabledGlobs: { globalValue: [] },
    liveDenoise: { globalValue: false },
  });
  expect(values).toMatchObject({
    inlineCompletion: false,
    keepAlive: 0,
    disabledGlobs: [],
    liveDenoise: false,
  });
});

test("the innermost place wins, and a language before any place without one", () => {
  const everywhere = { globalValue: 1, workspaceValue: 2, workspaceFolderValue: 3 };
  expect(asked({ threads: everywhere }).threads).toBe(3);
  expect(asked({ threads: { ...everywhere, globalLanguageValue: 4 } }).threads).toBe(4);
});

test("every setting that is sent can be set, and the other way round", () => {
  const own = ["redraft.path", "redraft.review"];
  const settable = Object.keys(PROPERTIES).filter(name => !own.includes(name));
  expect(settable.sort()).toEqual(NAMES.map(name => `redraft.${name}`).sort());
});

test("the editor shows the server's defaults", () => {
  const text = readFileSync(`${__dirname}/../../../../docs/settings.md`, "utf8");
  const rows = [...text.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]*)\|$/gm)];
  expect(rows.length).toBeGreaterThan(10);
  for (const [, name, shown, help] of rows) {
    const property = PROPERTIES[`redraft.${name}`];
    if (property === undefined) {
      expect(name).toBe("completionFallback");
      continue;
    }
    const value = property.default;
    const said = Array.isArray(value) && value.length === 0 ? "none" : String(value);
    if (name !== "liveDenoise") expect(`${name}: ${said}`).toBe(`${name}: ${shown?.trim()}`);
    // A repository's settings must not reach what is personal.
    expect(`${name}: ${property.scope === "machine"}`).toBe(`${name}: ${help?.includes("*Personal.*")}`);
  }
});
