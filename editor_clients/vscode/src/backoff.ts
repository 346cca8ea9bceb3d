// When a server that ended is started again, and when no more. Knows nothing of processes.

const WINDOW = 3 * 60_000;
const MAX_RESTARTS = 5;
const FIRST_DELAY = 500;
const MAX_DELAY = 8_000;

/** Counts the ends of a server within the last minutes. */
export class Backoff {
  private ends: number[] = [];

  /** After how many milliseconds to start again; undefined: it has ended too often. */
  delay(now: number): number | undefined {
    this.ends = [...this.ends.filter(end => now - end < WINDOW), now];
    if (this.ends.length > MAX_RESTARTS) return undefined;
    return Math.min(FIRST_DELAY * 2 ** (this.ends.length - 1), MAX_DELAY);
  }

  /** Forget the past: somebody has asked for a new start. */
  reset(): void {
    this.ends = [];
  }
}
