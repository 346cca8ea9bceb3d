// The notification that counts the steps of a running rewrite and offers to cancel it.

import * as vscode from "vscode";
import { ACTIONS } from "./actions";
import type { Run } from "./run";
import { caption } from "./state";

// One that comes and goes within a moment is only a flicker.
const MS_UNTIL_SHOWN = 400;

/** Show the notification of `run` soon, and until `answered` is settled. */
export function notify(run: Run, answered: Promise<unknown>): void {
  const done = answered.then(
    () => {},
    () => {},
  );
  const timer = setTimeout(() => show(run, done), MS_UNTIL_SHOWN);
  void done.then(() => clearTimeout(timer));
}

function show(run: Run, done: Promise<void>): void {
  const name = run.data.action ?? "repair";
  const action = ACTIONS.find(each => each.name === name);
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: `Redraft: ${action?.doing ?? "Rewriting"}`,
    cancellable: true,
  };
  void vscode.window.withProgress(options, (progress, token) => {
    token.onCancellationRequested(() => run.cancel());
    let shown = 0;
    run.stepped.event(() => {
      if (run.step === undefined) return;
      const percent = Math.min(100, (100 * run.step.index) / Math.max(1, run.step.limit));
      progress.report({ message: caption(name, run.step), increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    });
    return done;
  });
}
