// Bundles the extension into dist/extension.js; `--dev` keeps names and adds a map.
import { build } from "esbuild";

const isDev = process.argv.includes("--dev");

await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  mainFields: ["module", "main"],
  minify: !isDev,
  sourcemap: isDev,
  legalComments: "none",
});
