// A while without anything unasked. The server keeps quiet; this remembers until when, should it be started again.

import * as vscode from "vscode";
import { setContext } from "./contexts";
import type { Session } from "./session";

const CHOICES = [5, 10, 30, 60, 240];

export class Snooze implements vscode.Disposable {
  private until = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly listening: vscode.Disposable;

  constructor(private readonly session: Session) {
    this.listening = session.onDidStart(() => {
      const minutes = (this.until - Date.now()) / 60_000;
      if (minutes > 0) void this.send("redraft.snooze", [minutes]);
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.listening.dispose();
  }

  /** Keep quiet for `minutes`; ask for how long if nobody has said. */
  async begin(minutes?: unknown): Promise<void> {
    const chosen = typeof minutes === "number" ? minutes : await ask();
    if (chosen === undefined) return;
    await this.send("redraft.snooze", [chosen]);
    this.keep(Date.now() + chosen * 60_000);
  }

  async end(): Promise<void> {
    await this.send("redraft.unsnooze", []);
    this.keep(0);
  }

  private keep(until: number): void {
    this.until = until;
    clearTimeout(this.timer);
    const left = until - Date.now();
    setContext("snoozed", left > 0);
    this.session.set({ isSnoozed: left > 0 });
    if (left > 0) this.timer = setTimeout(() => this.keep(0), left);
  }

  private async send(command: string, args: unknown[]): Promise<void> {
    await this.session.client?.sendRequest("workspace/executeCommand", { command, arguments: args });
  }
}

async function ask(): Promise<number | undefined> {
  const items = CHOICES.map(minutes => ({
    label: minutes < 60 ? `${minutes} minutes` : `${minutes / 60} ${minutes === 60 ? "hour" : "hours"}`,
    minutes,
  }));
  const placeHolder = "For how long shall Redraft offer nothing unasked?";
  return (await vscode.window.showQuickPick(items, { title: "Redraft", placeHolder }))?.minutes;
}
