// Texts and replacements in them, in offsets. Knows nothing of editors.

export interface Position {
  line: number;
  character: number;
}

export interface TextEdit {
  range: { start: Position; end: Position };
  newText: string;
}

/** `text` instead of what is between the offsets `start` and `end`. */
export interface Replacement {
  start: number;
  end: number;
  text: string;
}

/** A text that knows where its lines begin. */
export class Lines {
  readonly starts: readonly number[];

  constructor(readonly text: string) {
    const starts = [0];
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    this.starts = starts;
  }

  get count(): number {
    return this.starts.length;
  }

  /** A line without its line end; empty behind the last one. */
  line(number: number): string {
    const start = this.starts[number];
    if (start === undefined) return "";
    const next = this.starts[number + 1];
    if (next === undefined) return this.text.slice(start);
    return this.text.slice(start, this.text[next - 2] === "\r" ? next - 2 : next - 1);
  }

  lineAt(offset: number): number {
    let low = 0;
    let high = this.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The offset of a position; one beyond a line or the text is taken for its end. */
  offsetAt(position: Position): number {
    const start = this.starts[position.line];
    if (start === undefined) return this.text.length;
    return start + Math.min(position.character, this.line(position.line).length);
  }
}

/** The replacements that `edits` make in `lines`, in order, with line ends `eol`; undefined if they overlap. */
export function replacements(
  lines: Lines,
  edits: readonly TextEdit[],
  eol: string,
): Replacement[] | undefined {
  const found = edits
    .map(({ range, newText }) => ({
      start: lines.offsetAt(range.start),
      end: lines.offsetAt(range.end),
      text: newText.replace(/\r\n|\r|\n/g, eol),
    }))
    .sort((one, other) => one.start - other.start || one.end - other.end);
  const overlaps = found.some(
    (each, index) => index > 0 && each.start < (found[index - 1] as Replacement).end,
  );
  return overlaps ? undefined : found;
}

/** `text` after `found`, which are in order. */
export function replaced(text: string, found: readonly Replacement[]): string {
  let result = "";
  let at = 0;
  for (const { start, end, text: inserted } of found) {
    result += text.slice(at, start) + inserted;
    at = end;
  }
  return result + text.slice(at);
}

/** Where an offset is after `found`, which are in order; one within a replacement is at its end. */
export function mapped(offset: number, found: readonly Replacement[]): number {
  let by = 0;
  for (const { start, end, text } of found) {
    if (offset <= start) break;
    if (offset < end) return start + by + text.length;
    by += text.length - (end - start);
  }
  return offset + by;
}

/**
 * `found` for a text that has changed since, change by change; undefined if a change touches what they replace.
 * Touching counts: what the user types next to a replacement is part of what it was made for.
 */
export function rebased(
  found: readonly Replacement[],
  changes: readonly Replacement[],
): Replacement[] | undefined {
  let moved: Replacement[] = [...found];
  for (const change of changes) {
    if (moved.some(each => change.start <= each.end && each.start <= change.end)) return undefined;
    const by = change.text.length - (change.end - change.start);
    moved = moved.map(each =>
      each.start > change.end ? { ...each, start: each.start + by, end: each.end + by } : each,
    );
  }
  return moved;
}
