/**
 * A network of the tests' own that ends at this machine, and the count of what tried to go further.
 *
 * In a network namespace with nothing but the loopback device every packet to another machine fails for want of a
 * route, and the kernel counts it, whichever process sends it: the browser, VS Code, the extension or Redraft. Names are
 * looked up at an address that is another machine's, so that a lookup counts, too.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const SET_UP = `
import fcntl, os, socket, struct, subprocess, sys, tempfile
with socket.socket() as device:
    fcntl.ioctl(device, 0x8914, struct.pack("16sh", b"lo", 0x1 | 0x40))  # SIOCSIFFLAGS: IFF_UP | IFF_RUNNING
with tempfile.NamedTemporaryFile("w") as resolver:
    resolver.write("nameserver 192.0.2.53\\noptions attempts:1 timeout:1\\n")
    resolver.flush()
    subprocess.run(["mount", "--bind", resolver.name, "/etc/resolv.conf"], check=True)
os.execvp(sys.argv[1], sys.argv[1:])
`;

/** How a command is started in such a network; nothing if this machine does not allow it. */
export function isolation(python: string): string[] | undefined {
  const ways = [
    ["--net", "--mount"],
    ["--net", "--mount", "--map-root-user"],
  ];
  return ways
    .map(options => ["unshare", ...options, python, "-c", SET_UP])
    .find(([program = "", ...rest]) => spawnSync(program, [...rest, "true"]).status === 0);
}

/** How many packets found no way out since this network exists. */
export function unrouted(): number {
  // Those of IPv6 tell nothing: Chromium asks the kernel now and then whether IPv6 leads anywhere, without sending.
  const [names = [], values = []] = readFileSync("/proc/self/net/snmp", "utf8")
    .split("\n")
    .filter(line => line.startsWith("Ip:"))
    .map(line => line.split(" "));
  return Number(values[names.indexOf("OutNoRoutes")]);
}
