import { expect, test } from "vitest";
import { Lines, mapped, rebased, replaced, replacements } from "../../src/text";

const edit = (line: number, from: number, to: number, newText: string, toLine = line) => ({
  range: { start: { line, character: from }, end: { line: toLine, character: to } },
  newText,
});

test("lines end at LF and CRLF, and at nothing else", () => {
  const lines = new Lines("a\fb\r\n\u2028c\nlast");
  expect([0, 1, 2, 3].map(number => lines.line(number))).toEqual(["a\fb", "\u2028c", "last", ""]);
});

test("a position beyond the end of a line is its end, before the line end", () => {
  const lines = new Lines("ab\r\ncd");
  expect(lines.offsetAt({ line: 0, character: 99 })).toBe(2);
  expect(lines.offsetAt({ line: 1, character: 99 })).toBe(6);
  expect(lines.offsetAt({ line: 9, character: 0 })).toBe(6);
});

test("the line of an offset is the one it stands in", () => {
  const lines = new Lines("a\n\nbc\n");
  expect([0, 1, 2, 3, 4, 5, 6].map(offset => lines.lineAt(offset))).toEqual([0, 0, 1, 2, 2, 2, 3]);
});

test("edits in any order become replacements in order, with the document's line ends", () => {
  const lines = new Lines("one\r\ntwo\r\n");
  const found = replacements(lines, [edit(1, 0, 3, "2\n3"), edit(0, 0, 3, "1")], "\r\n");
  expect(found).toEqual([
    { start: 0, end: 3, text: "1" },
    { start: 5, end: 8, text: "2\r\n3" },
  ]);
  expect(replaced(lines.text, found ?? [])).toBe("1\r\n2\r\n3\r\n");
});

test("edits that overlap are none", () => {
  expect(replacements(new Lines("abcdef"), [edit(0, 0, 3, "x"), edit(0, 2, 4, "y")], "\n")).toBeUndefined();
});

test("characters outside the basic plane count twice, as the editor counts them", () => {
  const lines = new Lines("a = '😀' + b");
  const found = replacements(lines, [edit(0, 11, 12, "c")], "\n") ?? [];
  expect(replaced(lines.text, found)).toBe("a = '😀' + c");
});

test("replacements move with what is typed before them and stay with what is typed behind them", () => {
  const found = [{ start: 10, end: 12, text: "x" }];
  expect(rebased(found, [{ start: 0, end: 1, text: "four" }])).toEqual([{ start: 13, end: 15, text: "x" }]);
  expect(rebased(found, [{ start: 20, end: 25, text: "" }])).toEqual(found);
});

test("replacements have no place any more once their text was edited, also at its edges", () => {
  const found = [{ start: 10, end: 12, text: "x" }];
  for (const at of [10, 11, 12]) {
    expect(rebased(found, [{ start: at, end: at, text: "typed" }])).toBeUndefined();
  }
  expect(rebased(found, [{ start: 13, end: 13, text: "typed" }])).toEqual(found);
});

test("one change after the other is followed in the text it was made in", () => {
  const changes = [
    { start: 0, end: 0, text: "aaaa" },
    { start: 2, end: 4, text: "" },
  ];
  expect(rebased([{ start: 5, end: 6, text: "" }], changes)).toEqual([{ start: 7, end: 8, text: "" }]);
});

test("an offset moves with what is replaced before it, and to the end of what it is in", () => {
  const found = [
    { start: 2, end: 4, text: "abcd" },
    { start: 6, end: 9, text: "" },
  ];
  expect([0, 2, 3, 4, 6, 7, 9, 10].map(offset => mapped(offset, found))).toEqual([0, 2, 6, 6, 8, 8, 8, 9]);
});
