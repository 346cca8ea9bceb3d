// The item in the status bar, and what a click on it shows.

import * as vscode from "vscode";
import { ORIGINS } from "./locate";
import type { Session } from "./session";
import type { DaemonStatus, State } from "./state";
import { appearance, described } from "./state";

export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    "redraft.status",
    vscode.StatusBarAlignment.Right,
    90,
  );
  private readonly listening: vscode.Disposable;

  constructor(private readonly session: Session) {
    this.item.name = "Redraft";
    this.item.command = "redraft.status";
    this.listening = session.onDidChangeState(state => this.show(state));
    this.show(session.state);
    this.item.show();
  }

  dispose(): void {
    this.listening.dispose();
    this.item.dispose();
  }

  /** What is known of the server, with what can be done about it. */
  async pick(): Promise<void> {
    const state = this.session.state;
    const facts = await this.facts();
    const items: (vscode.QuickPickItem & { command?: string })[] = [
      ...this.choices(state),
      { label: "About", kind: vscode.QuickPickItemKind.Separator },
      ...facts.map(label => ({ label, command: "redraft.showLog" })),
    ];
    const chosen = await vscode.window.showQuickPick(items, {
      title: "Redraft",
      placeHolder: appearance(state).tooltip,
    });
    if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
  }

  private show(state: State): void {
    const { text, tooltip, severity } = appearance(state);
    this.item.text = text;
    this.item.tooltip = tooltip;
    this.item.backgroundColor =
      severity === "normal" ? undefined : new vscode.ThemeColor(`statusBarItem.${severity}Background`);
  }

  private async facts(): Promise<string[]> {
    const { client, server } = this.session;
    const facts: string[] = [];
    if (client !== undefined) {
      try {
        facts.push(...described(await client.sendRequest<DaemonStatus>("redraft/status")));
      } catch {
        // Only a daemon knows; a server for one editor has nothing to add.
        facts.push("This server is for this window alone.");
      }
    }
    if (server !== undefined) facts.push(`Found through ${ORIGINS[server.origin]}: ${server.command}`);
    if (this.session.learnt.size > 0) facts.push(`Has learnt: ${[...this.session.learnt].join(", ")}`);
    return facts;
  }

  private choices(state: State): (vscode.QuickPickItem & { command: string })[] {
    const choice = (label: string, command: string) => ({ label, command: `redraft.${command}` });
    const isUp = this.session.client !== undefined;
    return [
      ...(state.server === "missing"
        ? [choice("$(cloud-download) Install the server…", "installServer")]
        : []),
      ...(state.isSnoozed ? [choice("$(bell) End snooze", "unsnooze")] : []),
      ...(isUp && !state.isSnoozed ? [choice("$(bell-slash) Snooze…", "snooze")] : []),
      choice(isUp ? "$(refresh) Restart the server" : "$(play) Start the server", "restart"),
      ...(isUp ? [choice("$(circle-slash) Stop the server", "stopServer")] : []),
      choice("$(output) Show the log", "showLog"),
    ];
  }
}
