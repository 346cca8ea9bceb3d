import { expect, test } from "vitest";
import type { Hunk } from "../../src/hunks";
import { hunksOf } from "../../src/hunks";
import { Marks } from "../../src/marks";
import type { Replacement } from "../../src/text";
import { Lines, replaced } from "../../src/text";

const BEFORE = "a = 1\n\n\nb = 2\n\n\nc = 3\n";
const FOUND: Replacement[] = [
  { start: 0, end: 1, text: "first" },
  { start: 8, end: 9, text: "second" },
  { start: 16, end: 17, text: "third" },
];

/** An editor as far as a review needs one. */
class Desk {
  readonly marks = new Marks(BEFORE, FOUND);
  text = this.marks.after;

  reject(hunks: readonly Hunk[]): void {
    const found = this.marks.reject(hunks);
    this.text = replaced(this.text, found);
    // The editor lists the changes from the last one in the text to the first.
    this.marks.follow([...found].reverse());
  }

  type(at: number, text: string): void {
    const change = { start: at, end: at, text };
    this.text = replaced(this.text, [change]);
    this.marks.edited([change]);
  }

  hunk(id: number): Hunk {
    return this.marks.open.find(hunk => hunk.id === id) as Hunk;
  }
}

test("what is applied is the text from before with the replacements", () => {
  expect(new Desk().text).toBe("first = 1\n\n\nsecond = 2\n\n\nthird = 3\n");
});

test("hunks rejected one by one, in any order, give back the text from before", () => {
  for (const order of [
    [1, 2, 3],
    [3, 1, 2],
    [2, 3, 1],
  ]) {
    const desk = new Desk();
    for (const id of order) desk.reject([desk.hunk(id)]);
    expect(desk.text).toBe(BEFORE);
    expect(desk.marks.isOver).toBe(true);
  }
});

test("rejecting what is left gives back the text from before, around what the user typed", () => {
  const desk = new Desk();
  desk.type(10, "# typed\n");
  desk.reject(desk.marks.open);
  expect(desk.text).toBe("a = 1\n# typed\n\n\nb = 2\n\n\nc = 3\n");
  expect(desk.marks.hasEdits).toBe(true);
});

test("an edit inside a hunk accepts it, and it is the user's from then on", () => {
  const desk = new Desk();
  desk.type(14, "XX");
  expect(desk.marks.open.map(hunk => hunk.id)).toEqual([1, 3]);
  expect(desk.marks.isTouched).toBe(true);
  desk.reject(desk.marks.open);
  expect(desk.text).toBe("a = 1\n\n\nseXXcond = 2\n\n\nc = 3\n");
});

test("what was accepted can be taken back as long as it stands, wherever it has moved", () => {
  const desk = new Desk();
  desk.marks.accept(desk.marks.open);
  expect(desk.marks.isOver).toBe(true);
  desk.type(0, "# above\n");
  expect(desk.marks.isTouched).toBe(false);
  const found = desk.marks.accepted.flatMap(hunk => hunk.pieces);
  expect(found.map(({ start, end }) => desk.text.slice(start, end))).toEqual(["first", "second", "third"]);
  desk.type(desk.text.indexOf("econd"), "!");
  expect(desk.marks.isTouched).toBe(true);
});

test("a hunk that could not be rejected is open again, in its place", () => {
  const desk = new Desk();
  const second = desk.hunk(2);
  desk.marks.reject([second]);
  desk.marks.reopen([second]);
  expect(desk.marks.open.map(hunk => hunk.id)).toEqual([1, 2, 3]);
});

test("what is left without a hunk is the rewrite with the other ones", () => {
  const desk = new Desk();
  desk.marks.accept([desk.hunk(1)]);
  const [second] = desk.marks.open as [Hunk, Hunk];
  const left = desk.marks.without([second]);
  expect(replaced(BEFORE, left)).toBe("first = 1\n\n\nb = 2\n\n\nthird = 3\n");
  expect(desk.marks.replace([second], hunksOf(new Lines(BEFORE), left))).toBe(true);
  expect(desk.marks.open.map(({ id, pieces }) => ({ id, pieces }))).toEqual([
    { id: 3, pieces: [{ start: 20, end: 25, old: "c" }] },
  ]);
  expect(desk.marks.accepted.map(({ id, pieces }) => ({ id, pieces }))).toEqual([
    { id: 1, pieces: [{ start: 0, end: 5, old: "a" }] },
  ]);
});

test("hunks that are not the ones that were left take nobody's place", () => {
  const desk = new Desk();
  expect(desk.marks.replace([desk.hunk(2)], hunksOf(new Lines(BEFORE), FOUND))).toBe(false);
  expect(desk.marks.open.length).toBe(3);
});
