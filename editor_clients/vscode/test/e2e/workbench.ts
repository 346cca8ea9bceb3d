/** The window of VS Code as a user sees it: keys go in, what is drawn comes out. */

import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { until } from "./until.ts";

/** A line of the editor: its text, and the text with what decorations draw around it, masks for example. */
export interface Line {
  readonly text: string;
  readonly decorated: string;
}

export class Workbench {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Wait until the file `name` can be typed into. */
  async shows(name: string): Promise<void> {
    await this.page.locator(".tab.active", { hasText: name }).waitFor({ timeout: 60_000 });
    await this.editor.locator(".view-lines").first().waitFor();
  }

  /** Open a file by its whole path, which has not to be searched for. */
  async openFile(file: string): Promise<void> {
    // Whatever a failed test has left open would get the keys.
    await this.press("Escape", "Escape");
    const name = path.basename(file);
    const row = this.page.locator(".quick-input-list .monaco-list-row", { hasText: name }).first();
    await until(`${name} is found`, async () => {
      await this.press("Control+p");
      const box = this.page.locator(".quick-input-widget input").first();
      await box.waitFor();
      await box.fill(file);
      return await isThere(row, 3000);
    });
    await this.press("Enter");
    await this.shows(name);
    await this.focusEditor();
  }

  get editor(): Locator {
    return this.page.locator(".editor-instance .monaco-editor").first();
  }

  get ghost(): Locator {
    // .ghost-text holds lines of their own, .ghost-text-decoration what is on the cursor's line.
    return this.page.locator("[class*=ghost-text]:visible");
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
    }
  }

  async type(text: string, delay = 20): Promise<void> {
    await this.page.keyboard.type(text, { delay });
  }

  /** Put the cursor into the editor, at `line` and `column`, which count from 1. */
  async goTo(line: number, column = 1): Promise<void> {
    await this.focusEditor();
    const box = await this.quickInput("Control+g");
    await box.fill(`:${line}:${column}`);
    await this.press("Enter");
    await this.page.locator(".quick-input-widget").waitFor({ state: "hidden" });
  }

  /** Select whole lines, from `first` to `last`. */
  async selectLines(first: number, last: number): Promise<void> {
    await this.goTo(first);
    await this.press(...Array.from({ length: last - first }, () => "Shift+ArrowDown"), "Shift+End");
  }

  async focusEditor(): Promise<void> {
    await this.press("Control+1");
    await until("the editor has the focus", () =>
      this.page.evaluate(() => document.activeElement?.closest(".editor-instance") !== null),
    );
  }

  /** Choose the entry `title` of the command palette. */
  async command(title: string): Promise<void> {
    const box = await this.quickInput("F1");
    await box.fill(`>${title}`);
    // What was used last is on top until the list follows what is typed.
    await this.page
      .locator(".quick-input-list .monaco-list-row.focused", { hasText: title })
      .first()
      .waitFor();
    await this.press("Enter");
  }

  /** The titles that the command palette offers for `text`. */
  async commandsLike(text: string): Promise<string[]> {
    const box = await this.quickInput("F1");
    await box.fill(`>${text}`);
    await this.page.waitForTimeout(500);
    const rows = await this.page.locator(".quick-input-list .monaco-list-row .label-name").allInnerTexts();
    await this.press("Escape");
    return rows;
  }

  /** The box that `key` opens; an editor that is still starting something closes it again now and then. */
  private async quickInput(key: string): Promise<Locator> {
    const box = this.page.locator(".quick-input-widget input").first();
    await until(`${key} opens its box`, async () => {
      await this.press(key);
      return isThere(box, 3000);
    });
    return box;
  }

  /** Open the lightbulb's menu at the cursor, and take the entry that holds `title`. */
  async codeAction(title: string): Promise<void> {
    await until(`the lightbulb offers “${title}”`, async () => {
      await this.press("Control+.");
      const entry = this.page.locator(".action-widget .monaco-list-row", { hasText: title }).first();
      if (await isThere(entry, 2000)) {
        return true;
      }
      await this.press("Escape");
      return false;
    });
    // Entries are reached by keys: on older versions something lies over them that takes clicks.
    await until(`“${title}” is chosen`, async () => {
      const focused = this.page.locator(".action-widget .monaco-list-row.focused");
      if ((await focused.allInnerTexts()).join("").includes(title)) {
        return true;
      }
      await this.press("ArrowDown");
      return false;
    });
    await this.press("Enter");
  }

  /** The text that the editor shows, ghost text and decorations left out. */
  async lines(): Promise<string[]> {
    return (await this.drawn()).map(line => line.text);
  }

  /** The visible lines from top to bottom. */
  async drawn(): Promise<Line[]> {
    return this.page.evaluate(() => {
      const pseudo = (element: Element, which: string) => {
        const content = getComputedStyle(element, which).content;
        return /^".*"$/s.test(content) ? (JSON.parse(content.replaceAll("\n", "\\n")) as string) : "";
      };
      const read = (node: Node): string => {
        if (node.nodeType === Node.TEXT_NODE) {
          return node.textContent ?? "";
        }
        const element = node as Element;
        if (getComputedStyle(element).display === "none") {
          return "";
        }
        const inner = [...element.childNodes].map(read).join("");
        return pseudo(element, "::before") + inner + pseudo(element, "::after");
      };
      const plain = (text: string) => text.replaceAll("\u00a0", " ").replaceAll("\u200b", "");
      return [...document.querySelectorAll<HTMLElement>(".editor-instance .view-lines .view-line")]
        .sort((one, other) => Number.parseFloat(one.style.top) - Number.parseFloat(other.style.top))
        .map(line => ({ text: plain(line.textContent ?? ""), decorated: plain(read(line)) }));
    });
  }

  get statusBar(): Locator {
    return this.page.locator(".statusbar");
  }

  /** The status bar's entry of the extension. */
  get status(): Locator {
    return this.statusBar.locator("[id^='redraft.redraft']");
  }

  /** What the extension's entry in the status bar says to a screen reader, which is all of it. */
  async condition(): Promise<string> {
    return (await this.status.first().getAttribute("aria-label", { timeout: 10_000 })) ?? "";
  }

  /** Wait until the extension says that its server is ready. */
  async ready(): Promise<void> {
    await until("Redraft is ready", async () => (await this.condition()).includes("ready"), 60);
  }

  get notifications(): Locator {
    return this.page.locator(".notification-toast");
  }

  /** The titles of the code lenses that are drawn. */
  async codeLenses(): Promise<string[]> {
    return this.page.locator(".codelens-decoration a").allInnerTexts();
  }
}

export async function isThere(locator: Locator, milliseconds: number): Promise<boolean> {
  return await locator.waitFor({ timeout: milliseconds }).then(
    () => true,
    () => false,
  );
}
