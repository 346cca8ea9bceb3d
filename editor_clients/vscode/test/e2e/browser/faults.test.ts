import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fakeDaemon, fakeServer, PYTHON, type Rig } from "../rig.ts";
import { Stage } from "../stage.ts";
import { pause, until } from "../until.ts";

const REPAIR = "Redraft: Repair Selection or Around Cursor";
const TEXT = "def f(a):\n    prnt(a)\n";

export default (rig: Rig) => {
  for (const [name, command] of [
    ["a server of its own", (folder: string) => fakeServer(path.join(folder, "engine.log"))],
    ["the daemon", (folder: string) => fakeDaemon(path.join(folder, "engine.log"))],
  ] as const) {
    describe(`what ends unexpectedly, with ${name}`, () => {
      let stage: Stage;
      let folder: string;

      before(async () => {
        stage = await Stage.ready(rig, stageFolder => {
          folder = stageFolder;
          return { files: { "a.py": TEXT }, open: "a.py", settings: { "redraft.path": command(folder) } };
        });
      });
      after(async () => {
        await stage.strike();
        for (const pid of processes(folder)) {
          process.kill(pid);
        }
      });

      async function isRepaired(file: string): Promise<void> {
        const { workbench } = stage;
        await stage.opens(file, TEXT);
        await workbench.selectLines(1, 2);
        await workbench.command(REPAIR);
        await until("there is something to review", async () => (await workbench.codeLenses()).length > 0);
        await workbench.press("Alt+Shift+Enter");
        await stage.saves(file, TEXT.replace("prnt", "print"));
      }

      it("the model's process crashes: a notification says so, the next rewrite works", async () => {
        const { workbench } = stage;
        await stage.opens("crash.py", `# crash\n${TEXT}`);
        await workbench.selectLines(2, 3);
        await workbench.command(REPAIR);
        // The server starts the next one so fast that the status bar hardly shows it.
        await workbench.notifications.filter({ hasText: "stopped unexpectedly" }).first().waitFor();
        await stage.screenshot("engine-crashed");
        await isRepaired("after-crash.py");
      });

      it("the model's process is killed while nobody needs it", async () => {
        const engines = processes("fake_engine.py").filter(pid => processes(folder).includes(pid));
        assert.equal(engines.length, 1);
        process.kill(engines[0] ?? 0, "SIGKILL");
        await isRepaired("after-kill.py");
      });

      if (name === "the daemon") {
        it("the daemon is stopped: it stays so until a rewrite needs it", async () => {
          const { workbench } = stage;
          execFileSync(PYTHON, ["-m", "redraft_server.cli", "stop"], {
            stdio: "ignore",
            env: { ...process.env, ...rig.environment },
          });
          await until("the status says so", async () => (await workbench.condition()).includes("stopped"));
          // As long as a server that has failed would take to be there again, and longer.
          await pause(3000);
          assert.match(await workbench.condition(), /stopped/);
          await isRepaired("after-stop.py");
          await workbench.ready();
        });
      }

      it("the server is killed: it is started again", async () => {
        const { workbench } = stage;
        const script = name === "the daemon" ? "serve_fake_daemon.py" : "serve_fake.py";
        const servers = processes(script).filter(pid => processes(folder).includes(pid));
        assert.ok(servers.length > 0);
        for (const pid of servers) {
          process.kill(pid, "SIGKILL");
        }
        await until("the status says so", async () => !(await workbench.condition()).includes("ready"));
        await workbench.ready();
        await isRepaired("after-restart.py");
      });
    });
  }
};

/** The ids of the processes whose command line holds `text`. */
function processes(text: string): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter(pid => pid > 0 && pid !== process.pid && commandLine(pid).includes(text));
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
