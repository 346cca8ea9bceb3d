// A conversation with the language server through Microsoft's own implementation of the protocol: other framing, other
// JSON-RPC, other positions than ours. The server has the engine of tests/lsp_server/serve_fake.py, which does what the
// documents tell it.
//
//   node client.mjs stdio COMMAND [ARGUMENT...]
//   node client.mjs socket PATH
//   node client.mjs websocket URL TOKEN
//
// The exit code is 0 if everything was as it should be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";

import protocol from "vscode-languageserver-protocol/node";
import { TextDocument } from "vscode-languageserver-textdocument";
import { WebSocket } from "ws";

const {
  AbstractMessageReader,
  AbstractMessageWriter,
  ApplyWorkspaceEditRequest,
  CancellationTokenSource,
  CodeActionRequest,
  CodeActionResolveRequest,
  DidChangeTextDocumentNotification,
  DidCloseTextDocumentNotification,
  DidOpenTextDocumentNotification,
  ErrorCodes,
  ExecuteCommandRequest,
  ExitNotification,
  InitializeRequest,
  InitializedNotification,
  InlineCompletionRequest,
  InlineCompletionTriggerKind,
  LSPErrorCodes,
  ShutdownRequest,
  StreamMessageReader,
  StreamMessageWriter,
  WorkDoneProgress,
  WorkDoneProgressCreateRequest,
  createProtocolConnection,
} = protocol;

const SECONDS = 300; // only a session that hangs takes so long
const ENDLESS = "# steps: 1000000\n";
const BROKEN = "def f():\r\n    s = '😀é'; retrun '👩‍💻'\r\n";
const MENDED = BROKEN.replace("retrun", "return");

/** An editor with one server, whose documents are those of vscode-languageserver-textdocument. */
class Editor {
  documents = new Map();
  progress = [];
  #onProgress = [];

  constructor(connection) {
    this.connection = connection;
    connection.onError(([error]) => assert.fail(error));
    connection.onRequest(WorkDoneProgressCreateRequest.type, ({ token }) => {
      connection.onProgress(WorkDoneProgress.type, token, (value) => {
        this.progress.push(value);
        this.#onProgress.splice(0).forEach((resolve) => resolve());
      });
    });
    connection.onRequest(ApplyWorkspaceEditRequest.type, ({ edit }) => {
      this.apply(edit);
      return { applied: true };
    });
    connection.listen();
  }

  async initialize(codeAction = {}) {
    const result = await this.connection.sendRequest(InitializeRequest.type, {
      processId: process.pid,
      rootUri: null,
      capabilities: {
        general: { positionEncodings: ["utf-16"] },
        textDocument: { codeAction: { codeActionLiteralSupport: { codeActionKind: { valueSet: [] } }, ...codeAction } },
        window: { workDoneProgress: true },
        workspace: { applyEdit: true, workspaceEdit: { documentChanges: true } },
      },
    });
    await this.connection.sendNotification(InitializedNotification.type, {});
    return result;
  }

  async open(uri, text) {
    this.documents.set(uri, TextDocument.create(uri, "python", 1, text));
    const textDocument = { uri, languageId: "python", version: 1, text };
    await this.connection.sendNotification(DidOpenTextDocumentNotification.type, { textDocument });
  }

  async change(uri, contentChanges) {
    const document = this.documents.get(uri);
    const version = document.version + 1;
    TextDocument.update(document, contentChanges, version);
    await this.connection.sendNotification(DidChangeTextDocumentNotification.type, {
      textDocument: { uri, version },
      contentChanges,
    });
  }

  text(uri) {
    return this.documents.get(uri).getText();
  }

  apply(edit) {
    for (const { textDocument, edits } of edit.documentChanges) {
      const document = this.documents.get(textDocument.uri);
      assert.equal(textDocument.version, document.version);
      const text = TextDocument.applyEdits(document, edits);
      this.documents.set(textDocument.uri, TextDocument.create(textDocument.uri, "python", document.version, text));
    }
  }

  actions(uri, line, context = {}) {
    const place = { line, character: 0 };
    return this.actionsIn(uri, { start: place, end: place }, context);
  }

  actionsIn(uri, range, context = {}) {
    return this.connection.sendRequest(CodeActionRequest.type, {
      textDocument: { uri },
      range,
      context: { diagnostics: [], ...context },
    });
  }

  resolve(action, token) {
    return this.connection.sendRequest(CodeActionResolveRequest.type, action, token);
  }

  /** Resolves at the next progress that is reported. */
  reported() {
    return new Promise((resolve) => this.#onProgress.push(resolve));
  }
}

const RESOLVING = { dataSupport: true, resolveSupport: { properties: ["edit", "command"] } };

async function initialize(editor) {
  const { capabilities, serverInfo } = await editor.initialize(RESOLVING);
  assert.equal(serverInfo.name, "redraft");
  assert.equal(capabilities.positionEncoding, "utf-16");
  assert.equal(capabilities.codeActionProvider.resolveProvider, true);
  assert.ok(capabilities.inlineCompletionProvider);
  await assert.rejects(editor.initialize(), { code: ErrorCodes.InvalidRequest });
}

async function repairWithProgress(editor) {
  const uri = "file:///a%20b/c%23.py";
  await editor.open(uri, "# steps: 40\n");
  await editor.change(uri, [
    { text: BROKEN, range: { start: { line: 1, character: 0 }, end: { line: 9, character: 9 } } },
    { text: "# 😀\f\n", range: { start: { line: 1, character: 0 }, end: { line: 1, character: 0 } } },
  ]);
  const [action] = await editor.actions(uri, 3);
  assert.equal(action.kind, "quickfix.redraft");
  assert.equal(action.edit, undefined);
  editor.apply((await editor.resolve(action)).edit);
  assert.equal(editor.text(uri), "# steps: 40\n# 😀\f\n" + MENDED);
  assert.equal(editor.progress.at(0).kind, "begin");
  assert.equal(editor.progress.at(-1).kind, "end");
  const percentages = editor.progress.slice(1, -1).map(({ percentage }) => percentage);
  assert.ok(percentages.length > 0);
  assert.deepEqual(percentages, [...percentages].sort((one, other) => one - other));
}

async function repairByCommand(editor) {
  // What an editor does that cannot resolve; the server takes the command from whoever sends it.
  const uri = "untitled:Untitled-1";
  await editor.open(uri, BROKEN);
  const [{ title, data }] = await editor.actions(uri, 1);
  const command = { command: "redraft.repair", arguments: [data] };
  assert.deepEqual(await editor.connection.sendRequest(ExecuteCommandRequest.type, command), { applied: true });
  assert.equal(editor.text(uri), MENDED);
  assert.equal(editor.progress.at(-1).kind, "end");
  assert.ok(title.startsWith("Redraft: "));
}

async function complete(editor) {
  const uri = "file:///complete.py";
  await editor.open(uri, `# drafts: ["nt('😀')", "nt()"]\ns = '😀'; pri\n`);
  const { items } = await editor.connection.sendRequest(InlineCompletionRequest.type, {
    textDocument: { uri },
    position: { line: 1, character: 13 },
    context: { triggerKind: InlineCompletionTriggerKind.Invoked },
  });
  const range = { start: { line: 1, character: 10 }, end: { line: 1, character: 13 } };
  assert.deepEqual(items, [
    { insertText: "print('😀')", range },
    { insertText: "print()", range },
  ]);
}

async function cancel(editor) {
  const uri = "file:///endless.py";
  await editor.open(uri, ENDLESS + BROKEN);
  const [action] = await editor.actions(uri, 2);
  const source = new CancellationTokenSource();
  const work = editor.resolve(action, source.token);
  await editor.reported();
  source.cancel();
  await assert.rejects(work, { code: LSPErrorCodes.RequestCancelled });
  // Closing a document does no harm to what comes after it.
  await editor.connection.sendNotification(DidCloseTextDocumentNotification.type, { textDocument: { uri } });
  assert.equal(await editor.actions(uri, 2), null);
}

async function followManyChanges(editor) {
  const uri = "file:///many.py";
  const pieces = ["x", "😀", "é", "\n", "\r\n", "\r", "\f", "\u2028", " prnt( "];
  await editor.open(uri, "😀 é\r\n".repeat(5));
  let seed = 7;
  const random = (n) => (seed = (seed * 48271) % 2147483647) % n;
  for (let i = 0; i < 1000; i++) {
    const document = editor.documents.get(uri);
    const start = { line: random(document.lineCount + 1), character: random(9) };
    const end = random(3) ? start : { line: start.line, character: start.character + random(3) };
    // No editor lets its user change half a character.
    if ([start, end].some((place) => /^[\udc00-\udfff]/.test(document.getText().slice(document.offsetAt(place))))) {
      continue;
    }
    await editor.change(uri, [{ text: pieces[random(pieces.length)], range: { start, end } }]);
  }
  const everything = { start: { line: 0, character: 0 }, end: { line: 2 ** 31 - 1, character: 0 } };
  const [action] = await editor.actionsIn(uri, everything, { only: ["refactor"] });
  const wanted = editor.text(uri).replaceAll("prnt(", "print(");
  editor.apply((await editor.resolve(action)).edit);
  assert.equal(editor.text(uri), wanted);
}

async function makeMistakes(editor) {
  const { connection } = editor;
  await assert.rejects(connection.sendRequest("textDocument/hover", {}), { code: ErrorCodes.MethodNotFound });
  await assert.rejects(connection.sendRequest("$/unknown"), { code: ErrorCodes.MethodNotFound });
  await assert.rejects(connection.sendRequest(CodeActionRequest.method, {}), { code: ErrorCodes.InvalidParams });
  await assert.rejects(editor.resolve({ title: "x" }), { code: ErrorCodes.InvalidParams });
}

async function shutDown(editor) {
  assert.equal(await editor.connection.sendRequest(ShutdownRequest.type), null);
  await assert.rejects(editor.actions("file:///a.py", 0), { code: ErrorCodes.InvalidRequest });
  await editor.connection.sendNotification(ExitNotification.type);
}

/** One JSON-RPC message in each WebSocket message, without headers. */
class SocketReader extends AbstractMessageReader {
  constructor(socket) {
    super();
    this.socket = socket;
  }

  listen(callback) {
    this.socket.on("message", (data) => callback(JSON.parse(data)));
    this.socket.on("close", () => this.fireClose());
    return { dispose() {} };
  }
}

class SocketWriter extends AbstractMessageWriter {
  constructor(socket) {
    super();
    this.socket = socket;
  }

  async write(message) {
    this.socket.send(JSON.stringify(message));
  }

  end() {}
}

/** The two ends of a connection, and a promise of how it ended. */
async function connect(transport, address, rest) {
  if (transport === "stdio") {
    const server = spawn(address, rest, { stdio: ["pipe", "pipe", "inherit"] });
    const ended = once(server, "exit").then(([code]) => assert.equal(code, 0));
    return [new StreamMessageReader(server.stdout), new StreamMessageWriter(server.stdin), ended];
  }
  if (transport === "socket") {
    const socket = net.connect(address);
    await once(socket, "connect");
    return [new StreamMessageReader(socket), new StreamMessageWriter(socket), once(socket, "close")];
  }
  assert.equal(transport, "websocket", "usage: node client.mjs stdio|socket|websocket ADDRESS [ARGUMENT...]");
  const socket = new WebSocket(address, { headers: { Authorization: `Bearer ${rest[0]}` } });
  await once(socket, "open");
  return [new SocketReader(socket), new SocketWriter(socket), once(socket, "close")];
}

setTimeout(() => assert.fail(`not done after ${SECONDS} seconds`), SECONDS * 1000).unref();
const [transport, address, ...rest] = process.argv.slice(2);
const [reader, writer, ended] = await connect(transport, address, rest);
const editor = new Editor(createProtocolConnection(reader, writer));
const steps = [
  initialize,
  repairWithProgress,
  repairByCommand,
  complete,
  cancel,
  followManyChanges,
  makeMistakes,
  shutDown,
];
for (const step of steps) {
  const start = performance.now();
  await step(editor);
  console.log(`${transport}: ${step.name} (${Math.round(performance.now() - start)} ms)`);
}
await ended;
process.exit(0);
