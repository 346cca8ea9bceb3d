/**
 * Stands between an editor and its language server, and writes down what they say to each other and when.
 *
 *     tee.ts LOG COMMAND [ARGUMENT...]
 *
 * A line of LOG is `{"at": milliseconds since 1970, "from": "client" or "server", "message": ...}`.
 */

import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import type { Readable, Writable } from "node:stream";

const [log = "", program = "", ...rest] = process.argv.slice(2);
const server = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
pass("client", process.stdin, server.stdin);
pass("server", server.stdout, process.stdout);
server.on("exit", code => process.exit(code ?? 1));
process.on("SIGTERM", () => server.kill());

function pass(from: string, source: Readable, sink: Writable): void {
  let held = Buffer.alloc(0);
  source.on("data", (data: Buffer) => {
    sink.write(data);
    const at = performance.timeOrigin + performance.now();
    held = Buffer.concat([held, data]);
    for (;;) {
      const end = held.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(held.toString("latin1", 0, end))?.[1]);
      if (end < 0 || held.length < end + 4 + length) {
        return;
      }
      const message: unknown = JSON.parse(held.toString("utf8", end + 4, end + 4 + length));
      held = held.subarray(end + 4 + length);
      appendFileSync(log, `${JSON.stringify({ at, from, message })}\n`);
    }
  });
  source.on("end", () => sink.end());
}
