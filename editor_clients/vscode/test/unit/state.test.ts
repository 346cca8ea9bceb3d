import { expect, test } from "vitest";
import { appearance, caption, described, INITIAL, type State } from "../../src/state";

const UP: State = { ...INITIAL, server: "running" };

test("the status bar says what matters most", () => {
  const text = (state: Partial<State>) => appearance({ ...UP, ...state }).text;
  expect(text({})).toBe("$(sparkle) Redraft");
  expect(text({ isRunning: true })).toBe("$(loading~spin) Redraft");
  expect(text({ isRunning: true, step: { index: 3, limit: 12 } })).toBe("$(loading~spin) Redraft 3/12");
  expect(text({ isSnoozed: true })).toBe("$(bell-slash) Redraft");
  expect(text({ isRestricted: true })).toBe("$(shield) Redraft");
  expect(text({ health: "error", isSnoozed: true })).toBe("$(error) Redraft");
  expect(text({ isQuiescent: false })).toBe("$(loading~spin) Redraft");
});

test("of a repair the rounds of the search are counted, of another rewrite its steps", () => {
  expect(caption("repair", { index: 2, limit: 8 })).toBe("search round 2/8");
  expect(caption("types", { index: 3, limit: 12 })).toBe("step 3/12");
});

test("what the server says of itself is in the tooltip", () => {
  const { tooltip, severity } = appearance({ ...UP, health: "error", message: "There is no checkpoint." });
  expect([tooltip, severity]).toEqual(["There is no checkpoint.", "error"]);
});

test("in an untrusted workspace the tooltip says what is restricted, whatever else there is", () => {
  for (const server of ["running", "missing", "starting"] as const) {
    expect(appearance({ ...UP, server, isRestricted: true }).tooltip).toContain("not trusted");
  }
});

test("every state of the server looks different from being ready, but for how it says so", () => {
  for (const server of ["searching", "missing", "starting", "waiting", "failed", "stopped"] as const) {
    expect(appearance({ ...UP, server }).text).not.toBe(appearance(UP).text);
  }
});

test("a daemon's status is a few lines", () => {
  const lines = described({
    version: "0.1.0",
    pid: 7,
    connections: [{ client: "Visual Studio Code", version: "1.91.0" }, { client: null }],
    model: { state: "ready", message: null, checkpoint: "tiny", device: "cpu", residentBytes: 512_000_000 },
  });
  expect(lines).toEqual([
    "Model “tiny”: ready on cpu",
    "Memory: 512 MB",
    "Connected: Visual Studio Code 1.91.0, somebody",
    "Server 0.1.0, process 7",
  ]);
});

test("a daemon that has loaded nothing has less to say", () => {
  const model = { state: "unloaded", message: null, checkpoint: null, device: null, residentBytes: null };
  expect(described({ model, connections: [] })).toEqual(["Model: unloaded", "Connected: nobody"]);
});

test("the base that judges is named beside the checkpoint", () => {
  const model = { state: "ready", checkpoint: "tiny", base: "SmolLM2", device: "cpu" };
  expect(described({ model })).toEqual(["Model “tiny” with “SmolLM2”: ready on cpu"]);
});
