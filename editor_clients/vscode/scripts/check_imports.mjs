// Whether modules import each other in a circle: check_imports.mjs FOLDER.
//
// An arrow leads from a module to each module that it names in an `import`, an `export … from` or an `import()`. Imports
// of types count as well: they vanish from the bundle, but a reader has to follow them all the same.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

const RELATIVE = /\b(?:from|import)\s*\(?\s*(["'`])(\.[^"'`]*)\1/g;

/** The modules below `folder`, each with those that it imports. Throws if an import leads to no module. */
function arrowsIn(folder) {
  const files = readdirSync(folder, { recursive: true }).filter(name => name.endsWith(".ts"));
  return new Map(files.sort().map(name => [path.normalize(name), importsOf(folder, name)]));
}

function importsOf(folder, name) {
  const text = readFileSync(path.join(folder, name), "utf8");
  return new Set([...text.matchAll(RELATIVE)].map(([, , target]) => resolved(folder, name, target)));
}

function resolved(folder, name, target) {
  const base = path.join(path.dirname(name), target);
  const found = [base, `${base}.ts`, base.replace(/\.js$/, ".ts"), path.join(base, "index.ts")].find(
    each => each.endsWith(".ts") && existsSync(path.join(folder, each)),
  );
  if (found === undefined) throw new Error(`${name} imports "${target}", which is no module of ${folder}.`);
  return found;
}

/** Circles among `arrows`, each as the modules along it; none exactly if there is no circle. */
function circlesIn(arrows) {
  const circles = [];
  const done = new Set();
  const way = [];
  const visit = name => {
    const at = way.indexOf(name);
    if (at !== -1) circles.push([...way.slice(at), name]);
    if (at !== -1 || done.has(name)) return;
    way.push(name);
    for (const target of arrows.get(name) ?? []) visit(target);
    way.pop();
    done.add(name);
  };
  for (const name of arrows.keys()) visit(name);
  return circles;
}

const [folder = "src"] = process.argv.slice(2);
const arrows = arrowsIn(folder);
const circles = circlesIn(arrows);
for (const circle of circles) console.error(`Modules import each other in a circle: ${circle.join(" -> ")}`);
if (arrows.size === 0) console.error(`There are no modules in ${folder}.`);
process.exitCode = circles.length > 0 || arrows.size === 0 ? 1 : 0;
