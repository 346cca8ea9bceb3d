import { expect, test } from "vitest";
import type { Stroke } from "../../src/canvas";
import { strokes, visible } from "../../src/canvas";
import { Lines, type Replacement, replaced } from "../../src/text";

/** The lines as they look with `drawn` over them. */
function looks(before: string, drawn: readonly Stroke[]): string[] {
  const lines = new Lines(before);
  return Array.from({ length: lines.count }, (_, number) => {
    const line = lines.line(number);
    const stroke = drawn.find(each => each.line === number);
    return stroke === undefined ? line : line.slice(0, stroke.start) + stroke.text + line.slice(stroke.end);
  });
}

function check(before: string, found: Replacement[], expected: string[]): void {
  expect(looks(before, strokes(new Lines(before), found))).toEqual(expected);
}

test("masks are drawn where they are, and nothing else of the line", () => {
  const before = "def f():\n    retrun x\n";
  const found = [{ start: 13, end: 19, text: "░░" }];
  expect(strokes(new Lines(before), found)).toEqual([{ line: 1, start: 4, end: 10, text: "░░" }]);
  check(before, found, ["def f():", "    ░░ x", ""]);
});

test("an insertion hides nothing", () => {
  const [stroke] = strokes(new Lines("print('a'\n"), [{ start: 9, end: 9, text: ")" }]);
  expect(stroke).toEqual({ line: 0, start: 9, end: 9, text: ")" });
});

test("several edits of a line are one stroke", () => {
  check(
    "a b c\n",
    [
      { start: 0, end: 1, text: "x" },
      { start: 4, end: 5, text: "z" },
    ],
    ["x b z", ""],
  );
});

test("lines the canvas has more than the document follow the last one", () => {
  check("one\ntwo\n", [{ start: 0, end: 3, text: "1\n2\n3" }], ["1 ⏎ 2 ⏎ 3", "two", ""]);
});

test("lines the canvas has less than the document are empty", () => {
  check("one\ntwo\nthree\nfour\n", [{ start: 0, end: 13, text: "1" }], ["1", "", "", "four", ""]);
});

test("the last line may have no line end, and the document may end with one", () => {
  check("a\nb", [{ start: 2, end: 3, text: "░" }], ["a", "░"]);
  check("a\n", [{ start: 2, end: 2, text: "░" }], ["a", "░"]);
});

test("line ends of two characters are not drawn", () => {
  check("a\r\nb\r\n", [{ start: 0, end: 4, text: "x\r\ny" }], ["x", "y", ""]);
});

test("a character of two halves is replaced as a whole", () => {
  const before = "x = '😀'\n";
  const found = [{ start: 5, end: 7, text: "😁" }];
  expect(strokes(new Lines(before), found)).toEqual([{ line: 0, start: 5, end: 7, text: "😁" }]);
});

test("what is out of sight is not drawn", () => {
  const before = "a\n".repeat(100);
  const found = Array.from({ length: 100 }, (_, line) => ({ start: 2 * line, end: 2 * line + 1, text: "b" }));
  const drawn = strokes(new Lines(before), found, 10, 12);
  expect(drawn.map(stroke => stroke.line)).toEqual([10, 11, 12]);
});

test("any canvas of as many lines looks as it reads", () => {
  // A generator of its own, so that a failure can be repeated.
  let state = 7;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return Math.floor((state / 2147483648) * below);
  };
  for (let round = 0; round < 500; round++) {
    const before = Array.from({ length: 1 + random(6) }, () => "ab c".slice(0, random(5))).join("\n");
    const found: Replacement[] = [];
    let at = 0;
    while (at < before.length) {
      const start = at + random(4);
      const end = Math.min(start + random(3), before.length);
      if (start > before.length || before.slice(start, end).includes("\n")) break;
      found.push({ start, end, text: "░x".slice(0, random(3)) });
      at = end + 1;
    }
    expect(looks(before, strokes(new Lines(before), found))).toEqual(replaced(before, found).split("\n"));
  }
});

test("a long stroke is cut", () => {
  const [stroke] = strokes(new Lines("\n"), [{ start: 0, end: 0, text: "x".repeat(5000) }]);
  expect(stroke?.text.length).toBe(300);
  expect(stroke?.text.endsWith("…")).toBe(true);
});

test("blanks are kept when they are drawn", () => {
  expect(visible("\tif  x", 4)).toBe(`${"\u00a0".repeat(4)}if\u00a0\u00a0x`);
});
