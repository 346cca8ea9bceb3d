// Formats Lua files, or says which are not: node format.mjs (--check | --write) FOLDER ...
// Does what the program stylua does with the `stylua.toml` of the first folder, in WebAssembly.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as stylua from '@johnnymorganz/stylua';

const [mode, ...folders] = process.argv.slice(2);
if (!['--check', '--write'].includes(mode) || folders.length === 0) {
  console.error('usage: node format.mjs (--check | --write) FOLDER ...');
  process.exit(2);
}

const kinds = {
  indent_type: stylua.IndentType,
  quote_style: stylua.QuoteStyle,
  call_parentheses: stylua.CallParenType,
  collapse_simple_statement: stylua.CollapseSimpleStatement,
};
const settings = { syntax: stylua.LuaVersion.LuaJIT };
for (const line of readFileSync(join(folders[0], 'stylua.toml'), 'utf8').split('\n').filter(Boolean)) {
  const [name, value] = line.split('=').map((part) => part.trim());
  const setting = kinds[name] ? kinds[name][JSON.parse(value)] : Number(value);
  if (setting === undefined || Number.isNaN(setting)) throw new Error(`stylua.toml: ${line}`);
  settings[name] = setting;
}

// Formatting uses a configuration up.
function configuration() {
  const config = stylua.Config.new();
  for (const [name, setting] of Object.entries(settings)) {
    if (!(name in config)) throw new Error(`stylua.toml: there is no ${name}`);
    config[name] = setting;
  }
  return config;
}

let nWrong = 0;
for (const folder of folders) {
  for (const entry of readdirSync(folder, { recursive: true })) {
    if (!entry.endsWith('.lua')) continue;
    const path = join(folder, entry);
    const text = readFileSync(path, 'utf8');
    const formatted = stylua.formatCode(text, configuration(), undefined, stylua.OutputVerification.Full);
    if (formatted === text) continue;
    nWrong += 1;
    if (mode === '--write') writeFileSync(path, formatted);
    const lines = formatted.split('\n');
    const n = text.split('\n').findIndex((line, index) => line !== lines[index]);
    console.log(`${path}:${n + 1}: ${mode === '--write' ? 'formatted' : `not formatted; expected: ${lines[n]}`}`);
  }
}
process.exit(mode === '--check' && nWrong > 0 ? 1 : 0);
