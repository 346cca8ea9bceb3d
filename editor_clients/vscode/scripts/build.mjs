// Bundles the extension into dist/: extension.js is loaded while the editor waits, client.js when the server is started.
// `--dev` keeps names and adds a map.
import { build } from "esbuild";

const isDev = process.argv.includes("--dev");

/** What is imported in the midst of the code stays a file of its own, which is an entry point as well. */
const apart = {
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /^\.\// }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path: `${path}.js`, external: true } : undefined,
    );
  },
};

await build({
  entryPoints: ["src/extension.ts", "src/client.ts"],
  outdir: "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  // import() of Node wants names of files, and require() does not.
  supported: { "dynamic-import": false },
  external: ["vscode"],
  mainFields: ["module", "main"],
  minify: !isDev,
  sourcemap: isDev,
  plugins: [apart],
  legalComments: "none",
});
