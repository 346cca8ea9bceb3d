// The canvas of a running rewrite as an editor can draw it over its lines. Knows nothing of editors.

import type { Lines, Replacement } from "./text";
import { replaced } from "./text";

/** Columns `start` to `end` of a line of the document are hidden, and `text` is drawn in their place. */
export interface Stroke {
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

// Longer ones are cut: nobody reads them while they change, and each is a style of its own.
const MAX_WIDTH = 300;

/**
 * How the lines of a document look with `found` in it, for the lines from `first` to `last`. What is drawn cannot
 * hold line ends: lines that the canvas has more than the document follow the last one, with ⏎ between them.
 */
export function strokes(
  before: Lines,
  found: readonly Replacement[],
  first = 0,
  last = Number.POSITIVE_INFINITY,
): Stroke[] {
  return groups(before, found).flatMap(group =>
    group.last < first || group.first > last ? [] : strokesOf(before, group, first, last),
  );
}

interface Group {
  first: number;
  last: number;
  members: Replacement[];
}

/** Replacements that share lines. */
function groups(before: Lines, found: readonly Replacement[]): Group[] {
  const result: Group[] = [];
  for (const each of found) {
    const first = before.lineAt(each.start);
    const last = before.lineAt(each.end);
    const previous = result[result.length - 1];
    if (previous !== undefined && first <= previous.last) {
      previous.last = Math.max(previous.last, last);
      previous.members.push(each);
    } else result.push({ first, last, members: [each] });
  }
  return result;
}

function strokesOf(before: Lines, group: Group, first: number, last: number): Stroke[] {
  const start = before.starts[group.first] as number;
  const next = before.starts[group.last + 1];
  const end = next ?? before.text.length;
  const local = group.members.map(each => ({ ...each, start: each.start - start, end: each.end - start }));
  const drawn = replaced(before.text.slice(start, end), local).split(/\r?\n/);
  // The last line's own line end opens no line of the group.
  if (next !== undefined) drawn.pop();
  const count = group.last - group.first + 1;
  if (drawn.length > count) drawn.splice(count - 1, drawn.length, drawn.slice(count - 1).join(" ⏎ "));
  const result: Stroke[] = [];
  for (let index = 0; index < count; index++) {
    const line = group.first + index;
    if (line < first || line > last) continue;
    const stroke = difference(line, before.line(line), drawn[index] ?? "");
    if (stroke !== undefined) result.push(stroke);
  }
  return result;
}

function difference(line: number, old: string, now: string): Stroke | undefined {
  if (old === now) return undefined;
  const shorter = Math.min(old.length, now.length);
  let start = 0;
  while (start < shorter && old[start] === now[start]) start++;
  if (start > 0 && isHalf(old, start)) start--;
  let tail = 0;
  while (tail < shorter - start && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  if (tail > 0 && isHalf(old, old.length - tail)) tail--;
  const text = now.slice(start, now.length - tail);
  return {
    line,
    start,
    end: old.length - tail,
    text: text.length > MAX_WIDTH ? `${text.slice(0, MAX_WIDTH - 1)}…` : text,
  };
}

/** Whether `index` is between the halves of a character outside the basic plane. */
function isHalf(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** `text` as a decoration shows it as it stands: blanks would be run together. */
export function visible(text: string, tabSize: number): string {
  return text.replaceAll("\t", "\u00a0".repeat(tabSize)).replaceAll(" ", "\u00a0");
}
