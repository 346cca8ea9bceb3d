// The instructions a user has given, newest first.

const MAX = 30;

/** `history` after `instruction` was given. */
export function remembered(history: readonly string[], instruction: string): string[] {
  const given = instruction.trim();
  if (given === "") return [...history];
  return [given, ...history.filter(each => each !== given)].slice(0, MAX);
}

/** What to offer while `typed` is in the box: itself first, then what contains it. */
export function offered(history: readonly string[], typed: string): string[] {
  const wanted = typed.trim();
  if (wanted === "") return [...history];
  const found = history.filter(each => each !== wanted && each.toLowerCase().includes(wanted.toLowerCase()));
  return [wanted, ...found];
}
