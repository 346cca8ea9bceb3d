// The interpreter that was chosen in the Python extension, if that is there.

import * as vscode from "vscode";

interface PythonApi {
  environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

/** The path of the interpreter or of its environment; undefined if nobody knows. */
export async function interpreter(
  resource: vscode.Uri | undefined,
  log: vscode.LogOutputChannel,
): Promise<string | undefined> {
  const api = await pythonApi(log);
  return api?.environments?.getActiveEnvironmentPath(resource).path;
}

/** Calls `listener` when another interpreter is chosen. */
export async function onInterpreter(
  log: vscode.LogOutputChannel,
  listener: () => void,
): Promise<vscode.Disposable | undefined> {
  const api = await pythonApi(log);
  return api?.environments?.onDidChangeActiveEnvironmentPath(listener);
}

async function pythonApi(log: vscode.LogOutputChannel): Promise<PythonApi | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (extension === undefined) return undefined;
  try {
    return await extension.activate();
  } catch (error) {
    log.warn(`The Python extension could not say which interpreter is chosen: ${error}`);
    return undefined;
  }
}
