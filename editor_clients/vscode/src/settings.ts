// The user's settings as they are sent to the server. Knows nothing of editors.

/** The settings of the server that the extension has, too. */
export const NAMES = [
  "enable",
  "minConfidence",
  "timeout",
  "inlineCompletion",
  "inlineCompletionMinConfidence",
  "multiLine",
  "maxSuffixCharacters",
  "doubtDiagnostics",
  "doubtThreshold",
  "targetVersion",
  "liveDenoise",
  "disabledGlobs",
  "allowGlobs",
  "keepAlive",
  "threads",
] as const;

/** What the editor knows of a setting: a value for each place in which it can be set. */
export interface Inspected {
  globalValue?: unknown;
  workspaceValue?: unknown;
  workspaceFolderValue?: unknown;
  globalLanguageValue?: unknown;
  workspaceLanguageValue?: unknown;
  workspaceFolderLanguageValue?: unknown;
}

// From the place that counts least to the one that counts most, which is the editor's own order.
const PLACES = [
  "globalValue",
  "workspaceValue",
  "workspaceFolderValue",
  "globalLanguageValue",
  "workspaceLanguageValue",
  "workspaceFolderLanguageValue",
] as const;

// A live canvas is what this client is for; every other setting is the server's or the project's to decide.
const OWN_DEFAULTS: Readonly<Record<string, unknown>> = { liveDenoise: true };

/**
 * The settings as the server takes them. What the user has not set is null, never the editor's default: that
 * would win over what the project's pyproject.toml says.
 */
export function serverSettings(inspect: (name: string) => Inspected | undefined): Record<string, unknown> {
  return Object.fromEntries(NAMES.map(name => [name, set(inspect(name)) ?? OWN_DEFAULTS[name] ?? null]));
}

/** What the user has set; undefined if nothing. */
export function set(inspected: Inspected | undefined): unknown {
  if (inspected === undefined) return undefined;
  return PLACES.map(place => inspected[place])
    .filter(value => value !== undefined)
    .at(-1);
}
