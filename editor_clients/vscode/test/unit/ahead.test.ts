import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Ahead, isTyped, type Place } from "../../src/ahead";

const PLACE: Place = { uri: "file:///a.py", version: 3, line: 1, character: 7 };

/** A question that is never answered by itself. */
function question() {
  let signal: AbortSignal | undefined;
  let resolve: (answer: string) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<string>((...settle) => {
    [resolve, reject] = settle;
  });
  return {
    ask: (given: AbortSignal) => {
      signal = given;
      return promise;
    },
    resolve,
    reject,
    get isAborted() {
      return signal?.aborted;
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("the answer is whose question it is, once", async () => {
  const ahead = new Ahead<string>();
  const asked = question();
  ahead.ask(PLACE, asked.ask);
  const taken = ahead.take({ ...PLACE });
  asked.resolve("yes");
  expect(await taken?.answer).toBe("yes");
  expect(asked.isAborted).toBe(false);
  expect(ahead.take(PLACE)).toBeUndefined();
});

test.each([{ uri: "file:///b.py" }, { version: 4 }, { line: 2 }, { character: 8 }])(
  "a question for another place is aborted: %o",
  other => {
    const ahead = new Ahead<string>();
    const asked = question();
    ahead.ask(PLACE, asked.ask);
    expect(ahead.take({ ...PLACE, ...other })).toBeUndefined();
    expect(asked.isAborted).toBe(true);
  },
);

test("the next question aborts the one before, also one that was taken", () => {
  const ahead = new Ahead<string>();
  const [first, second, third] = [question(), question(), question()];
  ahead.ask(PLACE, first.ask);
  ahead.ask({ ...PLACE, version: 4 }, second.ask);
  expect([first.isAborted, second.isAborted]).toEqual([true, false]);
  ahead.take({ ...PLACE, version: 4 });
  ahead.ask({ ...PLACE, version: 5 }, third.ask);
  expect([second.isAborted, third.isAborted]).toEqual([true, false]);
  ahead.take({ ...PLACE, version: 5 })?.abort();
  expect(third.isAborted).toBe(true);
});

test("a question that nobody repeats is aborted after a while", () => {
  const ahead = new Ahead<string>();
  const asked = question();
  ahead.ask(PLACE, asked.ask);
  vi.advanceTimersByTime(1_900);
  expect(asked.isAborted).toBe(false);
  vi.advanceTimersByTime(200);
  expect(asked.isAborted).toBe(true);
  expect(ahead.take(PLACE)).toBeUndefined();
});

test("one that was taken has all the time it needs", () => {
  const ahead = new Ahead<string>();
  const asked = question();
  ahead.ask(PLACE, asked.ask);
  ahead.take(PLACE);
  vi.advanceTimersByTime(60_000);
  expect(asked.isAborted).toBe(false);
});

test("a failure is for whoever wants the answer", async () => {
  const ahead = new Ahead<string>();
  const asked = question();
  ahead.ask(PLACE, asked.ask);
  const taken = ahead.take(PLACE);
  asked.reject(new Error("no"));
  await expect(taken?.answer).rejects.toThrow("no");
});

const inserted = (text: string) => [{ start: 4, end: 4, text }];

test.each(["a", "é", "😀", "()", '""', "\n", "\n    ", "\r\n\t"])("one key inserts %j", text => {
  expect(isTyped(inserted(text))).toBe(true);
});

test.each(["", "ab", "\n\n", "\nx", "( )"])("no key inserts %j", text => {
  expect(isTyped(inserted(text))).toBe(false);
});

test("what replaces or deletes text, or happens in several places, is not typed", () => {
  expect(isTyped([{ start: 4, end: 5, text: "a" }])).toBe(false);
  expect(isTyped([{ start: 4, end: 5, text: "" }])).toBe(false);
  expect(isTyped([...inserted("a"), ...inserted("a")])).toBe(false);
  expect(isTyped([])).toBe(false);
});
