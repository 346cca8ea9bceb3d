// How Redraft is, and how the status bar says so. Knows nothing of editors.

export type ServerState = "searching" | "missing" | "starting" | "running" | "waiting" | "failed" | "stopped";

/** How far a running rewrite is: the round of the search for a repair, or the denoise step. */
export interface Step {
  readonly index: number;
  readonly limit: number;
}

export interface State {
  readonly server: ServerState;
  /** What the server says of itself. */
  readonly health: "ok" | "warning" | "error";
  readonly isQuiescent: boolean;
  readonly message: string | undefined;
  /** How far the running rewrite is. */
  readonly step: Step | undefined;
  readonly isRunning: boolean;
  readonly isSnoozed: boolean;
  readonly isRestricted: boolean;
}

export const INITIAL: State = {
  server: "searching",
  health: "ok",
  isQuiescent: true,
  message: undefined,
  step: undefined,
  isRunning: false,
  isSnoozed: false,
  isRestricted: false,
};

export interface Appearance {
  readonly text: string;
  readonly tooltip: string;
  readonly severity: "normal" | "warning" | "error";
}

const RESTRICTED =
  "This workspace is not trusted: nothing of it is run, the server comes from redraft.path or the search path only.";

export function appearance(state: State): Appearance {
  const { text, tooltip, severity } = plain(state);
  return { text, tooltip: state.isRestricted ? `${tooltip}\n\n${RESTRICTED}` : tooltip, severity };
}

function plain(state: State): Appearance {
  switch (state.server) {
    case "searching":
    case "starting":
      return normal("$(loading~spin) Redraft", "Redraft is starting.");
    case "missing":
      return warning(
        "Redraft's language server was not found; install it, or say in redraft.path where it is.",
      );
    case "waiting":
      return warning("The language server ended; it is about to be started again.");
    case "failed":
      return error(state.message ?? "The language server ended too often and is not started again.");
    case "stopped":
      return normal(
        "$(circle-slash) Redraft",
        "The language server was stopped; it starts with the next rewrite, or with Restart Server.",
      );
    case "running":
      return running(state);
  }
}

function running(state: State): Appearance {
  if (state.isRunning) {
    const { step } = state;
    const text = step === undefined ? "$(loading~spin) Redraft" : `$(loading~spin) Redraft ${counted(step)}`;
    return normal(text, "Redraft is working on a rewrite; Escape cancels it.");
  }
  if (state.health === "error") return error(state.message ?? "The model cannot be used.");
  if (state.health === "warning") return warning(state.message ?? "The model ended unexpectedly.");
  if (state.isSnoozed) {
    return normal("$(bell-slash) Redraft", "Redraft is snoozed: it offers nothing unasked.");
  }
  if (!state.isQuiescent) {
    return normal("$(loading~spin) Redraft", state.message ?? "The model is working.");
  }
  const icon = state.isRestricted ? "$(shield)" : "$(sparkle)";
  return normal(`${icon} Redraft`, state.message ?? "Redraft is ready.");
}

function counted({ index, limit }: Step): string {
  return `${index}/${limit}`;
}

/** What is counted while `action` runs. A repair is a search; any other rewrite searches or denoises, which only the server knows. */
export function caption(action: string, step: Step): string {
  return `${action === "repair" ? "search round" : "step"} ${counted(step)}`;
}

function normal(text: string, tooltip: string): Appearance {
  return { text, tooltip, severity: "normal" };
}

function warning(tooltip: string): Appearance {
  return { text: "$(warning) Redraft", tooltip, severity: "warning" };
}

function error(tooltip: string): Appearance {
  return { text: "$(error) Redraft", tooltip, severity: "error" };
}

/** What `redraft/status` answers, as far as it is shown. */
export interface DaemonStatus {
  version?: string;
  pid?: number;
  uptime?: number;
  connections?: { client?: string | null; version?: string | null; seconds?: number }[];
  model?: {
    state?: string;
    message?: string | null;
    checkpoint?: string | null;
    /** The pretrained base that judges what the checkpoint proposes. */
    base?: string | null;
    device?: string | null;
    parameters?: number | null;
    residentBytes?: number | null;
  };
}

/** A line for each thing worth knowing about a daemon. */
export function described(status: DaemonStatus): string[] {
  const lines: string[] = [];
  const model = status.model;
  if (model !== undefined) {
    const name = model.checkpoint ? ` “${model.checkpoint}”` : "";
    const base = model.base ? ` with “${model.base}”` : "";
    const device = model.device ? ` on ${model.device}` : "";
    lines.push(`Model${name}${base}: ${model.state ?? "unknown"}${device}`);
    if (model.message) lines.push(model.message);
    if (model.residentBytes) lines.push(`Memory: ${bytes(model.residentBytes)}`);
  }
  if (status.connections !== undefined) {
    const names = status.connections.map(each =>
      [each.client ?? "somebody", each.version].filter(Boolean).join(" "),
    );
    lines.push(`Connected: ${names.length === 0 ? "nobody" : names.join(", ")}`);
  }
  if (status.version !== undefined)
    lines.push(`Server ${status.version}, process ${status.pid ?? "unknown"}`);
  return lines;
}

function bytes(count: number): string {
  return count >= 1e9 ? `${(count / 1e9).toFixed(1)} GB` : `${Math.round(count / 1e6)} MB`;
}
