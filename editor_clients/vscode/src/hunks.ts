// The changes of a rewrite that stand in a text and wait to be accepted or rejected. Knows nothing of editors.

import type { Lines, Replacement } from "./text";

/** A replacement that was made: the text between `start` and `end` now, and what was there before. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly old: string;
}

/** Pieces on the same or on neighbouring lines, which are accepted or rejected together; never without one. */
export interface Hunk {
  readonly id: number;
  readonly pieces: readonly Piece[];
}

export function startOf(hunk: Hunk): number {
  return (hunk.pieces[0] as Piece).start;
}

export function endOf(hunk: Hunk): number {
  return (hunk.pieces[hunk.pieces.length - 1] as Piece).end;
}

/** The hunks that stand in a text once `found` was applied to `before`. */
export function hunksOf(before: Lines, found: readonly Replacement[]): Hunk[] {
  const hunks: { id: number; pieces: Piece[] }[] = [];
  let lastLine = Number.NEGATIVE_INFINITY;
  let shift = 0;
  for (const { start, end, text } of found) {
    const piece = {
      start: start + shift,
      end: start + shift + text.length,
      old: before.text.slice(start, end),
    };
    shift += text.length - (end - start);
    const last = hunks[hunks.length - 1];
    if (last !== undefined && before.lineAt(start) <= lastLine + 1) last.pieces.push(piece);
    else hunks.push({ id: hunks.length + 1, pieces: [piece] });
    lastLine = before.lineAt(end);
  }
  return hunks;
}

/** What puts back what was there before `hunks`, in the order of the text. */
export function rejection(hunks: readonly Hunk[]): Replacement[] {
  return hunks
    .flatMap(hunk => hunk.pieces)
    .map(({ start, end, old }) => ({ start, end, text: old }))
    .sort((one, other) => one.start - other.start);
}

/**
 * Where `hunks` are after a change of the text. One that was touched inside is the user's text from now on,
 * so it is not among them.
 */
export function moved(hunks: readonly Hunk[], change: Replacement): Hunk[] {
  const by = change.text.length - (change.end - change.start);
  const left: Hunk[] = [];
  for (const hunk of hunks) {
    const start = startOf(hunk);
    const end = endOf(hunk);
    // A hunk without text of its own is the place where something was deleted; who types there fills it.
    if (start === end && change.start === start && change.end === start) continue;
    if (change.end <= start) {
      left.push({
        ...hunk,
        pieces: hunk.pieces.map(piece => ({ ...piece, start: piece.start + by, end: piece.end + by })),
      });
    } else if (change.start >= end) left.push(hunk);
  }
  return left;
}

/** The hunk at an offset, or the nearest one on its line, or the next one, or the first one. */
export function hunkAt(hunks: readonly Hunk[], lines: Lines, offset: number): Hunk | undefined {
  const line = lines.lineAt(offset);
  return (
    hunks.find(hunk => startOf(hunk) <= offset && offset <= endOf(hunk)) ??
    hunks.find(hunk => lines.lineAt(startOf(hunk)) <= line && line <= lines.lineAt(endOf(hunk))) ??
    neighbour(hunks, offset, 1)
  );
}

/** The next (`direction` 1) or previous (-1) hunk from an offset, around the ends of the text. */
export function neighbour(hunks: readonly Hunk[], offset: number, direction: 1 | -1): Hunk | undefined {
  if (direction === 1) return hunks.find(hunk => startOf(hunk) > offset) ?? hunks[0];
  return hunks.filter(hunk => startOf(hunk) < offset).at(-1) ?? hunks.at(-1);
}

/** A line of text that a hunk removed, and where it is shown. */
export interface Removed {
  readonly offset: number;
  readonly text: string;
}

/**
 * What `piece` removed, to be shown struck through in front of the lines that came instead. The text of a line
 * end cannot be drawn, so lines that have no counterpart follow the last one, with ⏎ between them.
 */
export function removedLines(piece: Piece, text: string): Removed[] {
  const old = piece.old.split(/\r?\n/);
  const places = [piece.start];
  for (
    let at = text.indexOf("\n", piece.start);
    at !== -1 && at < piece.end;
    at = text.indexOf("\n", at + 1)
  ) {
    places.push(at + 1);
  }
  const rest = old.slice(places.length - 1).join(" ⏎ ");
  return [...old.slice(0, places.length - 1), rest]
    .slice(0, places.length)
    .map((line, index) => ({ offset: places[index] as number, text: line }))
    .filter(({ text: line }) => line !== "");
}
