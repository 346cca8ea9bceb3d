/**
 * How fast the extension has to be. On a machine that does other things besides, a test only sees that nothing is out of
 * all proportion; `make bench-vscode` holds the numbers against the bounds themselves.
 */

const MARGIN = process.env.REDRAFT_STRICT_BOUNDS ? 1 : 8;

/**
 * Activation without the server, as VS Code counts it: what other extensions take that are loaded at the same moment is in
 * it as well.
 */
export const ACTIVATION_MS = 150 * MARGIN;

/** From a key to ghost text, less what the server takes, or less the pause of VS Code where that is longer. */
export const KEYSTROKE_MS = 50 * MARGIN;

/** What VS Code waits for another key before it asks for a suggestion. */
export const PAUSE_OF_VSCODE_MS = 50;

/** Canvases a second that are drawn while somebody types at an ordinary speed. */
export const CANVASES = process.env.REDRAFT_STRICT_BOUNDS ? 20 : 1;
