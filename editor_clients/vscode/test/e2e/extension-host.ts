/** Runs tests inside the extension host, with the real `vscode` at hand, and says what came of them. */

import path from "node:path";
import type { Rig } from "./rig.ts";
import { type Play, Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";

const SECONDS = 240;

/** Run the bundled tests of the folder `tests`, an extension for development, on the stage that `play` sets. */
export async function runInExtensionHost(
  rig: Rig,
  tests: string,
  play: (folder: string) => Play,
): Promise<Tally> {
  const ended = Promise.withResolvers<number>();
  const timer = setTimeout(() => ended.reject(new Error(`no end within ${SECONDS} s`)), SECONDS * 1000);
  const stage = await Stage.set(rig, play, async (page, server) => {
    await page.exposeFunction("codeAutomationExit", ended.resolve);
    // What VS Code logs; what the tests say is in a file.
    await page.exposeFunction("codeAutomationLog", () => undefined);
    await page.addInitScript(allowTests);
    const uri = (file: string) => `vscode-remote://127.0.0.1:${server.port}${file}`;
    return [
      ["extensionDevelopmentPath", uri(tests)],
      ["extensionTestsPath", uri(path.join(tests, "index.cjs"))],
    ];
  });
  try {
    const code = await ended.promise;
    console.log(stage.log("report.txt"));
    const tally = JSON.parse(stage.log("tally.json") || "null") as Tally | null;
    if (tally === null || (code !== 0) !== tally.failed.length > 0) {
      throw new Error(
        `the extension host ended with ${code} and ${stage.log("tally.json") || "without results"}`,
      );
    }
    return tally;
  } catch (error) {
    await stage.screenshot("failed-extension-host");
    throw error;
  } finally {
    clearTimeout(timer);
    await stage.strike();
  }
}

/** Runs in the page: a VS Code that was built for users does not run tests unless its page says so. */
function allowTests(): void {
  const original = Element.prototype.getAttribute;
  Element.prototype.getAttribute = function (name: string): string | null {
    const value = original.call(this, name);
    if (value === null || name !== "data-settings" || this.id !== "vscode-workbench-web-configuration") {
      return value;
    }
    const settings = JSON.parse(value);
    settings.developmentOptions = { ...settings.developmentOptions, enableSmokeTestDriver: true };
    return JSON.stringify(settings);
  };
}
