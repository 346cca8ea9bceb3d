"""Code actions: offered at once from what is known, worked out only when one is chosen.

A list never runs the model. So the repair of a syntax error is preferred only if this very text has been repaired
before, for instance for a preview, and the repair is likely right. A client that resolves actions gets the edit with
codeAction/resolve; one that does not gets a command, whose edit it receives as workspace/applyEdit. What the model expected in
a doubtful place is known already and comes with its edit.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from redraft_model.errors import RedraftError
from redraft_model.recognise.recogniser import recognised
from redraft_model.text.versions import too_new

from redraft_server.features import doubts
from redraft_server.features.code_action_data import CodeActionData, Rewritten, edit_of, whole_lines
from redraft_server.features.scope import obstacle
from redraft_server.problems import Problem, code_problem
from redraft_server.protocol import RequestFailed
from redraft_server.safety import check, parses
from redraft_server.session import Session
from redraft_server.sources import Source

COMMAND = "redraft.repair"

QUICK_FIX = "quickfix.redraft"
REWRITES = "refactor.rewrite.redraft"
FIX_ALL = "source.fixAll.redraft"

# What can be done with a selection, by the action a checkpoint has learnt.
TITLES = {
    "repair": "Redraft: repair the selection",
    "types": "Redraft: add type annotations to the selection",
    "idiom": "Redraft: write the selection in idiomatic Python",
    "names": "Redraft: give the selection's variables better names",
    "docs": "Redraft: write docstrings for the selection",
}

# A long list hides what matters; a line rarely has more than this many things wrong with it.
_MAX_FIXES = 3
_MAX_TITLE = 72

# What other servers say in passing is nothing to be repaired.
_ASIDES = (types.DiagnosticSeverity.Hint, types.DiagnosticSeverity.Information)


def kinds(actions: Sequence[str]) -> tuple[str, ...]:
    """The kinds of code action that a checkpoint with `actions` gives rise to."""
    return QUICK_FIX, *(rewrite_kind(action) for action in TITLES if action in actions), FIX_ALL


def rewrite_kind(action: str) -> str:
    """The kind of the code action that has the model do `action` with a selection."""
    return f"{REWRITES}.{action}"


async def offered(
    session: Session, params: types.CodeActionParams
) -> list[types.CodeAction | types.Command] | None:
    """The actions for a range of a document; None if Redraft has nothing to say about it."""
    await session.settled()
    source = session.sources.get(params.text_document.uri)
    if source is None:
        return None
    target = session.configuration.for_document(source.uri).target
    reason = obstacle(source, session.configuration) or too_new(source.code, target)
    if reason is not None:
        return _disabled(session, params, reason)
    problem = code_problem(source.code, target)
    read_as = None if problem is None else await asyncio.to_thread(_read_as, source.code)
    actions = [
        *_fixes(session, source, params, problem, read_as),
        *_rewrites(session, source, params),
        *_fix_alls(source, params.context, problem),
    ]
    wanted = [action for action in actions if _is_wanted(action, params.context.only)]
    return [_dressed(session, action) for action in wanted]


async def resolve(session: Session, action: types.CodeAction) -> types.CodeAction:
    """The chosen action with its edit; nothing else of it changes."""
    data = CodeActionData.of(action.data, session.converter)
    action.edit = await edit_of(session, data, None)
    return action


async def execute(session: Session, params: types.ExecuteCommandParams) -> dict[str, object]:
    """Carry out the command of an action; tells whether the client applied the edit, and if not, why."""
    if params.arguments is None or len(params.arguments) != 1:
        raise JsonRpcInvalidParams(f"{COMMAND} takes one argument, the data of a code action.")
    data = CodeActionData.of(params.arguments[0], session.converter)
    try:
        edit = await edit_of(session, data, params.work_done_token)
    except (RequestFailed, RedraftError) as error:
        # The answer to a command is shown nowhere, and the user is waiting for something to happen.
        session.server.window_show_message(
            types.ShowMessageParams(type=types.MessageType.Warning, message=str(error))
        )
        return {"applied": False, "reason": str(error)}
    metadata = types.WorkspaceEditMetadata(is_refactoring=True) if session.client.knows_refactorings else None
    result = await session.server.workspace_apply_edit_async(
        types.ApplyWorkspaceEditParams(edit=edit, label=data.title, metadata=metadata)
    )
    if result.applied:
        return {"applied": True}
    return {"applied": False, "reason": result.failure_reason or "The editor did not apply the edit."}


def _disabled(
    session: Session, params: types.CodeActionParams, reason: str
) -> list[types.CodeAction | types.Command] | None:
    """A greyed-out action that says why, for those who asked; nobody asks by moving the cursor."""
    if (
        not session.client.shows_disabled
        or params.context.trigger_kind != types.CodeActionTriggerKind.Invoked
        or params.range.start == params.range.end
    ):
        return None
    action = types.CodeAction(
        title=TITLES["repair"], kind=rewrite_kind("repair"), disabled=types.CodeActionDisabled(reason)
    )
    return [action] if _is_wanted(action, params.context.only) else []


@lru_cache(maxsize=8)
def _read_as(code: str) -> str | None:
    """What text that does not compile is recognised as; the whole of it, however much is selected. No model is asked."""
    found = recognised(code)
    return found.what if found else None


def _fixes(
    session: Session,
    source: Source,
    params: types.CodeActionParams,
    problem: Problem | None,
    read_as: str | None,
) -> Iterable[types.CodeAction]:
    near = [
        diagnostic
        for diagnostic in params.context.diagnostics
        if _overlap(diagnostic.range, params.range)
        and (diagnostic.severity not in _ASIDES or diagnostic.source == doubts.NAME)
    ]
    if problem is not None:
        is_near = problem.line <= params.range.end.line and params.range.start.line <= problem.last_line
        # A parser that stumbles makes other servers complain anywhere; what only the compiler refuses does not.
        is_everywhere = not parses(source.code)
        if is_near or (near and is_everywhere):
            # Where Python stumbles is often not where the mistake is, so the whole document is open to change.
            title = (
                _title("Redraft: read as ", read_as)
                if read_as
                else _title("Redraft: repair syntax error: ", problem.message)
            )
            action = _action(title, QUICK_FIX, source, None, diagnostics=near or None)
            action.is_preferred = session.knows_good_repair(source) or None
            yield action
        if is_near or is_everywhere:
            return
    seen: set[tuple[str, str]] = set()
    for diagnostic in near:
        # Two servers may report the same thing at the same place.
        key = (repr(diagnostic.range), diagnostic.message)
        if key in seen or len(seen) == _MAX_FIXES:
            continue
        seen.add(key)
        if (fix := _proposed(session, source, diagnostic)) is not None:
            yield fix
            continue
        lines = whole_lines(source, diagnostic.range.start.line, diagnostic.range.end.line)
        title = _title("Redraft: repair ", f"“{_first_line(diagnostic.message)}”")
        yield _action(title, QUICK_FIX, source, lines, diagnostics=[diagnostic])


def _proposed(session: Session, source: Source, diagnostic: types.Diagnostic) -> types.CodeAction | None:
    """What the model expected in a doubtful place, put there at once; None where it is not known, or would do harm."""
    if diagnostic.source != doubts.NAME or not isinstance(diagnostic.data, str):
        return None
    if not session.client.has_action_literals:
        return None
    span = source.span(diagnostic.range)
    text = source.code[: span.start] + diagnostic.data + source.code[span.end :]
    revealed = None if check(source.code, text, span) is not None else source.revealed(text)
    if revealed is None or text == source.code:
        return None
    return types.CodeAction(
        title=_title("Redraft: write ", f"“{diagnostic.data.strip()}”"),
        kind=QUICK_FIX,
        diagnostics=[diagnostic],
        edit=Rewritten(source, revealed).edit(session.client),
    )


def _rewrites(session: Session, source: Source, params: types.CodeActionParams) -> Iterable[types.CodeAction]:
    if not source.span(params.range).of(source.code).strip():
        return
    for action, title in TITLES.items():
        if action in session.scheduler.actions:
            yield _action(title, rewrite_kind(action), source, params.range, action=action)
        elif session.client.shows_disabled and _asks_for_rewrites(params.context):
            reason = f"The checkpoint has not learnt the action “{action}”; another one may have."
            yield types.CodeAction(
                title=title, kind=rewrite_kind(action), disabled=types.CodeActionDisabled(reason)
            )


def _asks_for_rewrites(context: types.CodeActionContext) -> bool:
    """Whether somebody looks for rewrites: what this checkpoint cannot do would be in the way of everybody else."""
    wanted = [str(getattr(kind, "value", kind)) for kind in context.only or ()]
    return any(kind == REWRITES or REWRITES.startswith(kind + ".") for kind in wanted)


def _fix_alls(
    source: Source, context: types.CodeActionContext, problem: Problem | None
) -> Iterable[types.CodeAction]:
    is_asked = context.only is not None or context.trigger_kind != types.CodeActionTriggerKind.Automatic
    if problem is not None and is_asked:
        yield _action("Redraft: repair all syntax errors", FIX_ALL, source, None, is_complete=True)


def _action(
    title: str,
    kind: str,
    source: Source,
    range_: types.Range | None,
    *,
    diagnostics: list[types.Diagnostic] | None = None,
    is_complete: bool = False,
    action: str = "repair",
) -> types.CodeAction:
    data = CodeActionData(title, source.uri, source.version, range_, is_complete, action)
    return types.CodeAction(title=title, kind=kind, diagnostics=diagnostics, data=data)


def _dressed(session: Session, action: types.CodeAction) -> types.CodeAction | types.Command:
    """`action` as this client can use it."""
    client = session.client
    if client.shows_generated_tag:
        action.tags = [types.CodeActionTag.LlmGenerated]
    if action.disabled is not None or action.edit is not None:
        return action
    action.data = session.converter.unstructure(action.data)
    if client.resolves_edits:
        return action
    command = types.Command(title=action.title, command=COMMAND, arguments=[action.data])
    if not client.has_action_literals:
        return command
    action.command, action.data = command, None
    return action


def _is_wanted(action: types.CodeAction, only: Sequence[types.CodeActionKind | str] | None) -> bool:
    if only is None:
        return True
    kind = str(action.kind)
    wanted = [str(getattr(o, "value", o)) for o in only]
    return any(o == "" or kind == o or kind.startswith(o + ".") for o in wanted)


def _overlap(one: types.Range, other: types.Range) -> bool:
    """Whether two ranges touch; the cursor at the end of a diagnostic counts."""
    return one.start <= other.end and other.start <= one.end


def _first_line(message: str) -> str:
    return message.strip().partition("\n")[0]


def _title(head: str, tail: str) -> str:
    title = head + tail
    return title if len(title) <= _MAX_TITLE else title[: _MAX_TITLE - 1] + "…"
