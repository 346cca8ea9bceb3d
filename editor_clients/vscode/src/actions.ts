// The actions a checkpoint can have learnt, as commands and as kinds of code action.

export interface Action {
  /** The last part of the command, of the kind and of the context key. */
  readonly name: string;
  /** What is being done, for a progress notification. */
  readonly doing: string;
}

export const ACTIONS: readonly Action[] = [
  { name: "repair", doing: "Repairing" },
  { name: "types", doing: "Adding type annotations" },
  { name: "idiom", doing: "Writing idiomatic Python" },
  { name: "names", doing: "Finding better names" },
  { name: "docs", doing: "Writing docstrings" },
];

export const REWRITES = "refactor.rewrite.redraft";
export const QUICK_FIX = "quickfix.redraft";
export const FIX_ALL = "source.fixAll.redraft";

export function kindOf(name: string): string {
  return `${REWRITES}.${name}`;
}

/** Which of the actions a server with these kinds of code action offers. */
export function learnt(kinds: readonly string[]): Set<string> {
  return new Set(ACTIONS.map(action => action.name).filter(name => kinds.includes(kindOf(name))));
}

/** Why nothing happens when somebody asks for an action that the checkpoint has not learnt. */
export function notLearnt(name: string): string {
  return `The checkpoint has not learnt the action “${name}”; another one may have.`;
}
