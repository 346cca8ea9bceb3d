import { expect, test } from "vitest";
import { located, type Surroundings } from "../../src/locate";

const NEAR: Surroundings = {
  isTrusted: true,
  isWindows: false,
  configured: [],
  folders: ["/project"],
  interpreter: async () => undefined,
  searchPath: "/usr/local/bin:/usr/bin",
  environment: "/store/server",
};

async function check(
  near: Partial<Surroundings>,
  programs: string[],
  expected: string | undefined,
  links: Record<string, string> = {},
): Promise<string[]> {
  const looked: string[] = [];
  const found = await located(
    { ...NEAR, ...near },
    {
      isProgram: async file => {
        looked.push(file);
        return programs.includes(file);
      },
      real: async file => links[file] ?? file,
    },
  );
  expect(found && [found.origin, found.command, ...found.args].join(" ")).toBe(expected);
  return looked;
}

test("a command of the user's is run as it stands, and nothing is searched", async () => {
  const looked = await check(
    { configured: ["/x/python", "serve.py", "log"] },
    [],
    "setting /x/python serve.py log",
  );
  expect(looked).toEqual([]);
});

test("the workspace's environment comes before the interpreter, the search path and what was installed", async () => {
  const all = [
    "/project/.venv/bin/redraft",
    "/py/bin/redraft",
    "/usr/bin/redraft",
    "/store/server/bin/redraft",
  ];
  const near = { interpreter: async () => "/py/bin/python" };
  await check(near, all, "workspace /project/.venv/bin/redraft lsp");
  await check(near, all.slice(1), "interpreter /py/bin/redraft lsp");
  await check(near, all.slice(2), "path /usr/bin/redraft lsp");
  await check(near, all.slice(3), "installed /store/server/bin/redraft lsp");
  await check(near, [], undefined);
});

test("nobody is asked for the interpreter while the workspace has a server", async () => {
  const interpreter = (): Promise<string> => Promise.reject(new Error("asked"));
  await check({ interpreter }, ["/project/venv/bin/redraft"], "workspace /project/venv/bin/redraft lsp");
  await check({ interpreter, isTrusted: false }, ["/usr/bin/redraft"], "path /usr/bin/redraft lsp");
});

test("an interpreter may be given as its environment", async () => {
  await check({ interpreter: async () => "/py" }, ["/py/bin/redraft"], "interpreter /py/bin/redraft lsp");
});

test("in an untrusted workspace none of its files is looked at, wherever it is named", async () => {
  const looked = await check(
    {
      isTrusted: false,
      interpreter: async () => "/project/env/bin/python",
      searchPath: "/project/.venv/bin:/project:bin:.:/usr/bin",
    },
    ["/project/.venv/bin/redraft", "/project/redraft", "/project/env/bin/redraft", "bin/redraft"],
    undefined,
  );
  expect(looked).toEqual(["/usr/bin/redraft", "/store/server/bin/redraft"]);
});

test("a link into an untrusted workspace is part of it, and so is a workspace behind a link", async () => {
  const near = { isTrusted: false, searchPath: "/opt/bin" };
  const programs = ["/opt/bin/redraft"];
  await check(near, programs, "path /opt/bin/redraft lsp");
  await check(near, programs, undefined, { "/opt/bin/redraft": "/project/evil" });
  const linked = { ...near, folders: ["/link"] };
  await check(linked, programs, undefined, { "/link": "/opt/bin" });
  await check({ ...near, isTrusted: true }, programs, "path /opt/bin/redraft lsp", {
    "/opt/bin/redraft": "/project/x",
  });
});

test("a folder whose name only begins like the workspace's is not part of it", async () => {
  const near = { isTrusted: false, searchPath: "/project-tools/bin" };
  await check(near, ["/project-tools/bin/redraft"], "path /project-tools/bin/redraft lsp");
});

test("a relative entry of the search path is no place, not even in a trusted workspace", async () => {
  await check({ searchPath: "bin:." }, ["bin/redraft", "redraft", "./redraft"], undefined);
});

test("Windows has its own names", async () => {
  const near = {
    isWindows: true,
    folders: ["C:\\project"],
    searchPath: "C:\\tools;D:\\bin",
    environment: "C:\\store",
  };
  await check(
    near,
    ["C:\\project\\venv\\Scripts\\redraft.exe"],
    "workspace C:\\project\\venv\\Scripts\\redraft.exe lsp",
  );
  await check(near, ["D:\\bin\\redraft.exe"], "path D:\\bin\\redraft.exe lsp");
});
