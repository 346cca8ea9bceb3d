// The context keys that menus and keybindings ask for.

import * as vscode from "vscode";

type Key = "reviewing" | "running" | "snoozed" | `learnt.${string}`;

const values = new Map<Key, boolean>();

/** Say whether `redraft.KEY` holds. */
export function setContext(key: Key, value: boolean): void {
  if (values.get(key) === value) return;
  values.set(key, value);
  void vscode.commands.executeCommand("setContext", `redraft.${key}`, value);
}
