import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ACTIONS, kindOf, learnt } from "../../src/actions";
import { Backoff } from "../../src/backoff";
import { commandsFor, isNewEnough, typed } from "../../src/installation";
import { around } from "../../src/paragraph";
import { editsOf, isRefusal } from "../../src/protocol";
import { parsed } from "../../src/spawn";

const PACKAGE = JSON.parse(readFileSync(`${__dirname}/../../package.json`, "utf8"));

test("a server is started again later each time, and after five times in three minutes no more", () => {
  const backoff = new Backoff();
  const delays = [0, 1, 2, 3, 4, 5].map(index => backoff.delay(index * 1000));
  expect(delays).toEqual([500, 1000, 2000, 4000, 8000, undefined]);
  backoff.reset();
  expect(backoff.delay(6000)).toBe(500);
});

test("a server that ends now and then is always started again", () => {
  const backoff = new Backoff();
  for (let index = 0; index < 20; index++) expect(backoff.delay(index * 200_000)).toBe(500);
});

test("what a checkpoint has learnt is read from the kinds of code action", () => {
  const kinds = ["quickfix.redraft", "refactor.rewrite.redraft.repair", "refactor.rewrite.redraft.types"];
  expect([...learnt(kinds)]).toEqual(["repair", "types"]);
  expect(kindOf("docs")).toBe("refactor.rewrite.redraft.docs");
});

test("each action has a command that the menu shows only if it was learnt", () => {
  const menu: { command: string; when?: string }[] = PACKAGE.contributes.menus["redraft.menu"];
  for (const { name } of ACTIONS) {
    const entry = menu.find(each => each.command === `redraft.${name}`);
    expect(entry?.when).toBe(`redraft.learnt.${name}`);
  }
});

test("keys are taken only during a review or a rewrite, and never Tab", () => {
  for (const { key, when } of PACKAGE.contributes.keybindings) {
    expect(when).toMatch(/^redraft\.(reviewing|running) && editorTextFocus/);
    expect(key).not.toMatch(/\btab\b/);
  }
});

test("every command in a menu exists", () => {
  const commands = PACKAGE.contributes.commands.map((each: { command: string }) => each.command);
  const menus = Object.values<{ command?: string }[]>(PACKAGE.contributes.menus).flat();
  for (const { command } of menus) if (command !== undefined) expect(commands).toContain(command);
});

test("uv and pip install into the environment and nowhere else", () => {
  const uv = commandsFor({ kind: "uv", program: "uv" }, "/store/my server", "redraft==1.2.3", false);
  expect(uv.map(typed)).toEqual([
    'uv venv --allow-existing --python ">=3.11" "/store/my server"',
    'uv pip install --python "/store/my server/bin/python" --upgrade redraft==1.2.3',
  ]);
  const pip = commandsFor({ kind: "pip", program: "python" }, "C:\\store", "redraft==1.2.3", true);
  expect(pip.map(typed)).toEqual([
    "python -m venv C:\\store",
    "C:\\store\\Scripts\\python.exe -m pip install --disable-pip-version-check --upgrade redraft==1.2.3",
  ]);
});

test("Python has to be new enough", () => {
  expect(["Python 3.11.0", "Python 3.14.1", "Python 4.0.0"].map(isNewEnough)).toEqual([true, true, true]);
  expect(["Python 3.10.9", "Python 2.7.18", ""].map(isNewEnough)).toEqual([false, false, false]);
});

test("a line of the server's log has its level", () => {
  expect(parsed("WARNING redraft_server.session: slow")).toEqual({
    level: "warn",
    message: "redraft_server.session: slow",
  });
  expect(parsed("Traceback (most recent call last):").level).toBe("info");
});

test("without a selection it is about the lines as far as the next blank ones", () => {
  const lines = ["a", "", "b", "c", "d", " ", "e"];
  const at = (line: number) => around(number => lines[number]?.trim() === "", lines.length, line);
  expect([0, 2, 3, 4, 6].map(at)).toEqual([
    { first: 0, last: 0 },
    { first: 2, last: 4 },
    { first: 2, last: 4 },
    { first: 2, last: 4 },
    { first: 6, last: 6 },
  ]);
  expect(at(5)).toEqual({ first: 5, last: 5 });
});

test("the edits of a preview are found in both forms that the specification has", () => {
  const [one, other] = ["1", "2"].map(newText => ({
    range: { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } },
    newText,
  }));
  const edits = [one, other].filter(each => each !== undefined);
  const uri = "redraft-preview:/a.py";
  expect(editsOf({ uri, edit: { documentChanges: [{ edits }] } })).toEqual(edits);
  expect(editsOf({ uri, edit: { changes: { "file:///a.py": edits } } })).toEqual(edits);
  expect(editsOf({ uri, edit: {} })).toEqual([]);
});

test("only RequestFailed comes with a sentence for the user", () => {
  expect([{ code: -32803 }, { code: -32800 }, new Error("lost"), null].map(isRefusal)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});
