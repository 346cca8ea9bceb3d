// A question that is put before anybody wants the answer. Knows nothing of editors.

import type { Replacement } from "./text";

/** A place in one version of a document. */
export interface Place {
  readonly uri: string;
  readonly version: number;
  readonly line: number;
  readonly character: number;
}

interface Asked<T> {
  readonly place: Place;
  readonly answer: Promise<T>;
  readonly controller: AbortController;
  readonly timer: NodeJS.Timeout;
  isTaken: boolean;
}

// An editor that has not wanted the answer by then does not suggest anything here.
const MS_UNTIL_FORGOTTEN = 2_000;

/** Holds the newest question until somebody wants its answer; the one before it is aborted. */
export class Ahead<T> {
  private asked: Asked<T> | undefined;

  ask(place: Place, question: (signal: AbortSignal) => Promise<T>): void {
    this.abort();
    const controller = new AbortController();
    const answer = question(controller.signal);
    // Whoever wants the answer hears of the failure, and nobody else has to.
    answer.catch(() => {});
    const timer = setTimeout(() => this.abort(), MS_UNTIL_FORGOTTEN);
    this.asked = { place, answer, controller, timer, isTaken: false };
  }

  /** The question that was put for `place`; if that is not the newest one, nobody wants the newest any more. */
  take(place: Place): { answer: Promise<T>; abort: () => void } | undefined {
    const asked = this.asked;
    if (asked === undefined || asked.isTaken || !isSame(asked.place, place)) {
      this.abort();
      return undefined;
    }
    clearTimeout(asked.timer);
    asked.isTaken = true;
    return { answer: asked.answer, abort: () => asked.controller.abort() };
  }

  abort(): void {
    clearTimeout(this.asked?.timer);
    this.asked?.controller.abort();
    this.asked = undefined;
  }
}

function isSame(one: Place, other: Place): boolean {
  return (
    one.uri === other.uri &&
    one.version === other.version &&
    one.line === other.line &&
    one.character === other.character
  );
}

const PAIRS = ["()", "[]", "{}", '""', "''"];

/** Whether `changes` are what one key inserts: a character, one with its counterpart, or a line end with indentation. */
export function isTyped(changes: readonly Replacement[]): boolean {
  const [change] = changes;
  if (change === undefined || changes.length > 1 || change.end > change.start) return false;
  const { text } = change;
  return [...text].length === 1 || PAIRS.includes(text) || /^\r?\n[ \t]*$/.test(text);
}
