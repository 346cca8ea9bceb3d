/** When things happen in the window and between editor and server, on one clock: milliseconds since 1970. */

import type { Stage } from "./stage.ts";
import { until } from "./until.ts";

/** From a key to the ghost text that follows it. */
export interface Keystroke {
  readonly pressed: number;
  /** When the server was asked for a suggestion, and when it had answered. */
  readonly asked: number;
  readonly answered: number;
  /** When the first frame with ghost text in it was painted. */
  readonly shown: number;
}

/** Press `key` and wait for ghost text, of which there is none yet. */
export async function timedKeystroke(stage: Stage, key: string): Promise<Keystroke> {
  const { page } = stage.workbench;
  const watching = await page.evaluateHandle(() => {
    const now = () => performance.timeOrigin + performance.now();
    let pressed = 0;
    const frame = (done: (times: { pressed: number; shown: number }) => void): void => {
      requestAnimationFrame(() => {
        // A message is delivered when everybody has drawn and the frame is painted.
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
          const painted = now();
          const ghosts = [...document.querySelectorAll("[class*=ghost-text]")];
          if (pressed > 0 && ghosts.some(ghost => ghost.getClientRects().length > 0)) {
            done({ pressed, shown: painted });
          } else {
            frame(done);
          }
        };
        port2.postMessage(undefined);
      });
    };
    addEventListener(
      "keydown",
      () => {
        pressed = now();
      },
      { capture: true, once: true },
    );
    return { times: new Promise<{ pressed: number; shown: number }>(frame) };
  });
  await page.keyboard.press(key);
  const { pressed, shown } = await watching.evaluate(({ times }) => times);
  return await until("the talk has been written down", () => {
    const { talk } = stage;
    const question = talk.find(
      said => said.at > pressed && said.message.method === "textDocument/inlineCompletion",
    );
    const answer = talk.find(said => said.from === "server" && said.message.id === question?.message.id);
    return question && answer && { pressed, asked: question.at, answered: answer.at, shown };
  });
}

/** What decorations have drawn into the editor while `action` ran: each painted picture once, with its time. */
export async function pictures(
  stage: Stage,
  action: () => Promise<void>,
): Promise<{ at: number; text: string }[]> {
  const { page } = stage.workbench;
  const watching = await page.evaluateHandle(() => {
    const seen: { at: number; text: string }[] = [];
    const state = { isOver: false, seen };
    const drawn = (): string =>
      [...document.querySelectorAll(".editor-instance .view-lines [class*=ced-]")]
        .map(element => getComputedStyle(element, "::before").content)
        .filter(content => content !== "none")
        .join("\n");
    // A message is delivered when everybody has drawn and the frame is painted.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      const text = drawn();
      if (text !== (seen.at(-1)?.text ?? "")) {
        seen.push({ at: performance.timeOrigin + performance.now(), text });
      }
      if (!state.isOver) {
        frame();
      }
    };
    const frame = (): void => {
      requestAnimationFrame(() => port2.postMessage(undefined));
    };
    frame();
    return state;
  });
  await action();
  return await watching.evaluate(state => {
    state.isOver = true;
    return state.seen;
  });
}

export function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN;
}
