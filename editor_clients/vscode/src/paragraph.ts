// What a rewrite without a selection is about: the lines around the cursor, as far as the next blank ones.

/** The first and the last of the lines around `line` that have no blank line between them. */
export function around(
  isBlank: (line: number) => boolean,
  count: number,
  line: number,
): { first: number; last: number } {
  if (isBlank(line)) return { first: line, last: line };
  let first = line;
  while (first > 0 && !isBlank(first - 1)) first--;
  let last = line;
  while (last < count - 1 && !isBlank(last + 1)) last++;
  return { first, last };
}
