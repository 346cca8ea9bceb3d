/** One scene of a test: a window of VS Code with its settings, and a workspace with a few files. */

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { type Rig, SCREENSHOTS, surroundings } from "./rig.ts";
import { CodeServer, type Settings } from "./server.ts";
import { until } from "./until.ts";
import { Workbench } from "./workbench.ts";

/** The name of the log of a server that is overheard. */
export const TALK = "talk.jsonl";

/** A message between editor and server, and when it passed, in milliseconds since 1970. */
export interface Said {
  readonly at: number;
  readonly from: "client" | "server";
  readonly message: { readonly id?: number | string; readonly method?: string; readonly params?: Params };
}

// biome-ignore lint/suspicious/noExplicitAny: what is in it differs with each method.
type Params = any;

export interface Play {
  readonly files: Readonly<Record<string, string>>;
  /** The file that is open at the beginning. */
  readonly open: string;
  readonly settings?: Settings;
  /** Ask before the workspace is trusted; this takes a VS Code of its own. */
  readonly asksForTrust?: boolean;
  /** Files that can be run. */
  readonly programs?: readonly string[];
}

/** Gets the empty page and its server, and gives more of what the address tells VS Code. */
export type Prepare = (page: Page, server: CodeServer) => Promise<readonly (readonly [string, string])[]>;

export class Stage {
  readonly workbench: Workbench;
  /** The folder around the workspace, for logs and whatever else belongs to the stage. */
  readonly folder: string;
  readonly #server: CodeServer;
  readonly #isOwner: boolean;

  private constructor(rig: Rig, server: CodeServer, workbench: Workbench, folder: string) {
    this.workbench = workbench;
    this.folder = folder;
    this.#server = server;
    this.#isOwner = server !== rig.server;
  }

  /** A stage for what `play` wants, given the folder that will be the stage's; `prepare` sees the page before VS Code. */
  static async set(
    rig: Rig,
    play: (folder: string) => Play,
    prepare: Prepare = async () => [],
  ): Promise<Stage> {
    const folder = mkdtempSync(path.join(tmpdir(), "redraft-stage-"));
    const { files, open, settings, asksForTrust, programs = [] } = play(folder);
    const server = asksForTrust
      ? await CodeServer.start(rig.installation, rig.extensions, {
          asksForTrust,
          environment: surroundings(folder),
        })
      : rig.server;
    server.set(settings ?? {});
    const stage = new Stage(rig, server, new Workbench(await rig.context.newPage()), folder);
    for (const [name, text] of Object.entries(files)) {
      stage.write(name, text);
    }
    for (const name of programs) {
      chmodSync(path.join(stage.workspace, name), 0o755);
    }
    const uri = `vscode-remote://127.0.0.1:${server.port}${path.join(stage.workspace, open)}`;
    const { page } = stage.workbench;
    const address = server.address(stage.workspace, [["openFile", uri], ...(await prepare(page, server))]);
    await page.goto(address, { waitUntil: "domcontentloaded" });
    return stage;
  }

  /** A stage on which the file is open and the server is ready. */
  static async ready(rig: Rig, play: (folder: string) => Play): Promise<Stage> {
    const stage = await Stage.set(rig, play);
    try {
      await stage.workbench.shows(play(stage.folder).open);
      await stage.workbench.ready();
      return stage;
    } catch (error) {
      await stage.screenshot("failed-to-begin");
      await stage.strike();
      throw error;
    }
  }

  /** The folder that is open. */
  get workspace(): string {
    return path.join(this.folder, "workspace");
  }

  /** What a file of the workspace holds. */
  read(name: string): string {
    return readFileSync(path.join(this.workspace, name), "utf8");
  }

  /** Write `text` into a file `name`, and open it. */
  async opens(name: string, text: string): Promise<void> {
    this.write(name, text);
    await this.workbench.openFile(path.join(this.workspace, name));
  }

  /** Save the file `name`, which is open, and see that it then holds `text`. */
  async saves(name: string, text: string): Promise<void> {
    const file = path.join(this.workspace, name);
    const { mtimeNs } = statSync(file, { bigint: true });
    await this.workbench.press("Control+s");
    // An unchanged text is written, too, so that a file which was right before proves nothing by itself.
    await until(`${name} is saved`, () => statSync(file, { bigint: true }).mtimeNs !== mtimeNs, 10);
    await until("it is written to the end", () => this.read(name) === text, 1).catch(() => undefined);
    assert.equal(this.read(name), text);
  }

  write(name: string, text: string): void {
    const file = path.join(this.workspace, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** What a file beside the workspace holds; nothing if it is not there. */
  log(name: string): string {
    try {
      return readFileSync(path.join(this.folder, name), "utf8");
    } catch {
      return "";
    }
  }

  /** What was said between the editor and a server that is overheard; see tee.ts. */
  get talk(): Said[] {
    const lines = this.log(TALK).split("\n");
    return lines.filter(line => line.endsWith("}")).map(line => JSON.parse(line) as Said);
  }

  async screenshot(name: string): Promise<void> {
    await this.workbench.page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
  }

  async strike(): Promise<void> {
    const { page } = this.workbench;
    // A window that leaves in peace ends its extension host; one that is cut off leaves it waiting for hours.
    page.on("dialog", dialog => dialog.accept().catch(() => undefined));
    await page.goto("about:blank").catch(() => undefined);
    await page.close();
    if (this.#isOwner) {
      await this.#server.stop();
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}
