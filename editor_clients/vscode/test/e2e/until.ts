/** Waiting for something to become true, instead of for a time to pass. */

const MILLISECONDS_BETWEEN = 25;

/** What `look` finds, as soon as that is truthy; after `seconds` an error that says `what` was waited for. */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  seconds = 30,
): Promise<NonNullable<Exclude<T, false | "" | 0>>> {
  const end = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found) {
      return found as NonNullable<Exclude<T, false | "" | 0>>;
    }
    if (performance.now() > end) {
      throw new Error(`not within ${seconds} s: ${what}`);
    }
    await pause(MILLISECONDS_BETWEEN);
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(done => setTimeout(done, milliseconds));
}
