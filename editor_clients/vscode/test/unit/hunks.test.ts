import { expect, test } from "vitest";
import type { Hunk } from "../../src/hunks";
import { endOf, hunkAt, hunksOf, moved, neighbour, rejection, removedLines, startOf } from "../../src/hunks";
import type { Replacement } from "../../src/text";
import { Lines, replaced } from "../../src/text";

/** The replacements that make `after` of `before`, written as `[old|new]` in one text. */
function marked(text: string): { before: string; found: Replacement[] } {
  let before = "";
  const found: Replacement[] = [];
  let at = 0;
  for (const match of text.matchAll(/\[([^|]*)\|([^\]]*)\]/g)) {
    before += text.slice(at, match.index);
    found.push({ start: before.length, end: before.length + (match[1] ?? "").length, text: match[2] ?? "" });
    before += match[1];
    at = match.index + match[0].length;
  }
  return { before: before + text.slice(at), found };
}

function hunks(text: string): { before: string; after: string; hunks: Hunk[] } {
  const { before, found } = marked(text);
  return { before, after: replaced(before, found), hunks: hunksOf(new Lines(before), found) };
}

test("changes on the same and on neighbouring lines are one hunk", () => {
  const found = hunks("[a|b] [c|d]\n[e|f]\n\n\n[g|h]\n").hunks;
  expect(found.map(hunk => hunk.pieces.length)).toEqual([3, 1]);
  expect(found.map(hunk => hunk.id)).toEqual([1, 2]);
});

test("a piece is where its text is now", () => {
  const { after, hunks: found } = hunks("[aa|b]\n\n\nx[|long]y\n");
  expect(found.map(hunk => after.slice(startOf(hunk), endOf(hunk)))).toEqual(["b", "long"]);
});

test("rejecting everything gives back the text from before", () => {
  const {
    before,
    after,
    hunks: found,
  } = hunks("[aa|b]\r\n\r\n\r\nx[|one\r\ntwo]y [gone|]\r\n\r\n\r\n[😀|]z");
  expect(replaced(after, rejection(found))).toBe(before);
});

test("rejecting one hunk leaves the others where they belong", () => {
  const { after, hunks: found } = hunks("[a|bbb]\n\n\n[cc|d]\n\n\n[e|ffff]\n");
  const [first, second, third] = found as [Hunk, Hunk, Hunk];
  const change = rejection([second])[0] as Replacement;
  const text = replaced(after, [change]);
  const left = moved([first, third], change);
  expect(text).toBe("bbb\n\n\ncc\n\n\nffff\n");
  expect(left.map(hunk => text.slice(startOf(hunk), endOf(hunk)))).toEqual(["bbb", "ffff"]);
});

test("a hunk follows what is typed around it and goes with what is typed inside", () => {
  const { after, hunks: found } = hunks("xx[a|bcd]yy");
  const typed = (at: number) => moved(found, { start: at, end: at, text: "!" });
  expect(typed(2).map(startOf)).toEqual([3]);
  expect(typed(3)).toEqual([]);
  expect(typed(4)).toEqual([]);
  expect(typed(after.length).map(startOf)).toEqual([2]);
  expect(moved(found, { start: 0, end: 7, text: "" })).toEqual([]);
});

test("typing where something was deleted fills the place", () => {
  const { hunks: found } = hunks("xx[gone|]yy");
  expect(moved(found, { start: 2, end: 2, text: "gone" })).toEqual([]);
  expect(moved(found, { start: 1, end: 1, text: "!" }).map(startOf)).toEqual([3]);
});

test("the hunk at the cursor is the one around it, on its line, or the next", () => {
  const { after, hunks: found } = hunks("[a|b] tail\n\n\n[c|d]\n");
  const lines = new Lines(after);
  expect(hunkAt(found, lines, 0)?.id).toBe(1);
  expect(hunkAt(found, lines, 4)?.id).toBe(1);
  expect(hunkAt(found, lines, 8)?.id).toBe(2);
  expect(hunkAt(found, lines, after.length)?.id).toBe(1);
});

test("going on from the last hunk leads to the first, and back", () => {
  const { hunks: found } = hunks("[a|b]\n\n\n[c|d]\n");
  expect(neighbour(found, 0, 1)?.id).toBe(2);
  expect(neighbour(found, 4, 1)?.id).toBe(1);
  expect(neighbour(found, 0, -1)?.id).toBe(2);
  expect(neighbour(found, 4, -1)?.id).toBe(1);
});

test("removed lines are shown before the lines that came instead", () => {
  const { after, hunks: found } = hunks("[one\ntwo\nthree|1\n2]\n");
  const piece = (found[0] as Hunk).pieces[0];
  expect(piece && removedLines(piece, after)).toEqual([
    { offset: 0, text: "one" },
    { offset: 2, text: "two ⏎ three" },
  ]);
});

test("nothing is shown where nothing was removed", () => {
  const { after, hunks: found } = hunks("x[|y\nz]\n");
  const piece = (found[0] as Hunk).pieces[0];
  expect(piece && removedLines(piece, after)).toEqual([]);
});
