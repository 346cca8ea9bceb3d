// Asks for a free instruction, with those that were given before.

import * as vscode from "vscode";
import { offered, remembered } from "./history";

const KEY = "instructions";

/** What the user wants done; undefined if nothing after all. */
export function askedFor(memory: vscode.Memento): Promise<string | undefined> {
  const history = memory.get<string[]>(KEY, []);
  const box = vscode.window.createQuickPick();
  box.title = "Redraft";
  box.placeholder = "What shall be done with the selection?";
  const offer = (): void => {
    // Every label contains what was typed, so none is filtered away.
    box.items = offered(history, box.value).map(label => ({ label, alwaysShow: true }));
  };
  return new Promise(resolve => {
    box.onDidChangeValue(offer);
    box.onDidAccept(() => {
      const chosen = box.activeItems[0]?.label ?? box.value.trim();
      if (chosen === "") return;
      void memory.update(KEY, remembered(history, chosen));
      resolve(chosen);
      box.hide();
    });
    box.onDidHide(() => {
      resolve(undefined);
      box.dispose();
    });
    offer();
    box.show();
  });
}
