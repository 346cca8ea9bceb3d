/** What came of a run of Mocha. */

import type { Runnable, Runner } from "mocha";

export interface Tally {
  readonly passed: number;
  /** What failed, and what did so before it passed: the whole title of each test, and why. */
  readonly failed: readonly string[];
  readonly retried: readonly string[];
}

/** How often a test that fails is tried again: a window is no function, and what failed once is reported. */
export const RETRIES = 1;

/** What comes of the run that `run` starts, which calls `done` at its end. */
export async function tallied(run: (done: () => void) => Runner): Promise<Tally> {
  return await new Promise(done => {
    const failed: string[] = [];
    const retried: string[] = [];
    const runner = run(() => done({ passed: runner.stats?.passes ?? 0, failed, retried }));
    const what = (test: Runnable, error: unknown) =>
      `${test.fullTitle()}: ${error instanceof Error ? error.message : String(error)}`;
    runner.on("fail", (test, error) => failed.push(what(test, error)));
    runner.on("retry", (test, error) => retried.push(what(test, error)));
  });
}
