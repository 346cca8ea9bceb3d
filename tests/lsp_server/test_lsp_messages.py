"""Generated messages, right and wrong: each request is answered once and as it deserves, and nothing else happens.

Some are made here from lsprotocol's classes. A larger set comes from lsprotocol's own generator: a gzipped file
of JSON lines with `type`, `valid` and `message`, which REDRAFT_LSP_MESSAGES has to name.
"""

import enum
import gzip
import json
import os
import random
import types as python_types
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import attrs
import pytest
from lsprotocol import converters, types

CONVERTER = converters.get_converter()
GENERATED = os.environ.get("REDRAFT_LSP_MESSAGES")

# They end the phase in which others can be tried, so they get servers of their own.
LIFECYCLE = ("initialize", "shutdown", "exit")
# Whether these can be answered depends on more than the form of their parameters.
CHECKED_FURTHER = ("codeAction/resolve", "workspace/executeCommand")

NO_METHOD, INVALID, FAILED = -32601, {-32600, -32602}, -32803
N_EACH = 40
N_INITIALIZE = 150

Json = Any


@pytest.mark.skipif(GENERATED is None, reason="REDRAFT_LSP_MESSAGES names no file with generated messages")
async def test_lsprotocols_messages_are_answered_as_they_deserve(start_editor: Any, tmp_path: Path) -> None:
    editor = await start_editor()
    await editor.initialize()
    cases = [case for case in generated() if case["message"].get("method") not in LIFECYCLE]
    counts = await answers_of(editor, cases)
    print(*sorted(counts.items()), sep="\n")
    assert counts.total() > 4_000
    assert complaints(tmp_path) == []


@pytest.mark.skipif(GENERATED is None, reason="REDRAFT_LSP_MESSAGES names no file with generated messages")
async def test_lsprotocols_messages_start_and_end_conversations(start_editor: Any, tmp_path: Path) -> None:
    cases = [case for case in generated() if case["message"].get("method") == "initialize"]
    counts = await starts_of(start_editor, [case for case in cases if "id" in case["message"]])
    print(*sorted(counts.items()), sep="\n")
    for case in generated():
        if case["message"].get("method") in ("shutdown", "exit") and case["valid"]:
            editor = await start_editor()
            await editor.initialize()
            if case["type"] == "ShutdownRequest":
                assert (await editor.response(editor.start_as_it_is(case["message"])))["result"] is None
                editor.notify("exit", None)
            else:
                editor.send(case["message"])
            assert await editor.exit_code() == (0 if case["type"] == "ShutdownRequest" else 1)
    assert complaints(tmp_path) == []


async def test_messages_of_every_method_are_answered_as_they_deserve(
    start_editor: Any, tmp_path: Path
) -> None:
    editor = await start_editor()
    await editor.initialize()
    counts = await answers_of(editor, made(random.Random(11), N_EACH))
    assert counts.total() > 2_000
    assert complaints(tmp_path) == []


async def test_a_conversation_starts_with_whatever_is_a_valid_initialize(
    start_editor: Any, tmp_path: Path
) -> None:
    dice = random.Random(12)
    kind = types.METHOD_TO_TYPES["initialize"][2]
    valid = [unstructured(instance(kind, dice)) for _ in range(4)]
    invalid = [
        params for _ in range(N_INITIALIZE) if (params := spoiled_copy(valid[0], kind, dice)) is not None
    ]
    cases = [case_of("initialize", params, is_valid=False) for params in invalid]
    cases += [case_of("initialize", params, is_valid=True) for params in valid]
    counts = await starts_of(start_editor, cases)
    assert counts["initialize", False, -32602] > N_INITIALIZE / 2
    assert counts["initialize", True, 0] == len(valid)
    assert complaints(tmp_path) == []


async def answers_of(editor: Any, cases: Sequence[Json]) -> Counter[tuple[str, bool, int]]:
    """Send everything, check every answer; how often each kind of message got each error code (0: a result)."""
    requests: dict[int, Json] = {}
    n_nameless = 0
    for case in cases:
        identity = case["message"].get("id", ...)
        if is_id(identity):
            requests[editor.start_as_it_is(case["message"])] = case
        else:
            editor.send(case["message"])
            # Who cannot be told by name what was wrong is told without one.
            n_nameless += identity is not ... or not is_notification(case["message"])
    responses = await editor.messages(lambda m: "method" not in m, n_nameless + len(requests) + 1)
    assert await editor.ask("shutdown", None) is None
    found: defaultdict[Any, list[Json]] = defaultdict(list)
    for response in responses:
        found[response["id"]].append(response)
    assert [verdict(response) for response in found[None]] == [-32600] * n_nameless
    counts: Counter[tuple[str, bool, int]] = Counter()
    for identity, case in requests.items():
        (response,) = found[identity]
        code = verdict(response)
        assert is_deserved(case, code), (case, response)
        counts[case["type"], case["valid"], code] += 1
    return counts


async def starts_of(start_editor: Any, cases: Sequence[Json]) -> Counter[tuple[str, bool, int]]:
    """Like `answers_of`, for initialize: what succeeds starts a conversation, and the next case gets a new server."""
    counts: Counter[tuple[str, bool, int]] = Counter()
    editor = await start_editor()
    for case in cases:
        if is_id(case["message"]["id"]):
            response = await editor.response(editor.start_as_it_is(case["message"]))
        else:
            editor.send(case["message"])
            (response,) = await editor.messages(lambda m: m.get("id", "") is None, 1)
            editor.received.clear()
        code = verdict(response)
        assert is_deserved(case, code), (case, response)
        counts[case["type"], case["valid"], code] += 1
        if code == 0:
            editor.notify("initialized", {})
            assert await editor.ask("shutdown", None) is None
            editor = await start_editor()
    return counts


def is_deserved(case: Json, code: int) -> bool:
    method = case["message"].get("method")
    if case["valid"]:
        return code == 0 or code == NO_METHOD or (method in CHECKED_FURTHER and code in (-32602, FAILED))
    return code in INVALID or code == NO_METHOD or (code == 0 and has_long_number(case["message"]))


def has_long_number(value: Json) -> bool:
    """Whether `value` has a number of more than 32 bits; harmless in ids, tokens, codes and the data of others."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return any(map(has_long_number, value))
    return isinstance(value, int | float) and not -(2**31) <= value < 2**31


def verdict(response: Json) -> int:
    return response["error"]["code"] if "error" in response else 0


def is_id(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool)


def is_notification(message: Json) -> bool:
    return message.get("jsonrpc") == "2.0" and isinstance(message.get("method"), str)


def complaints(folder: Path) -> list[str]:
    """What the servers' logs say of failures of their own."""
    lines = [line for log in folder.glob("stderr-*.txt") for line in log.read_text().splitlines()]
    return [line for line in lines if "Traceback" in line or "could not be handled" in line]


def generated() -> list[Json]:
    """lsprotocol's messages."""
    assert GENERATED is not None
    with gzip.open(GENERATED, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def made(dice: random.Random, n_each: int) -> list[Json]:
    """Messages for all methods that a client may call: `n_each` valid ones, and as many that are not."""
    cases = []
    for method, (_, _, kind, _) in types.METHOD_TO_TYPES.items():
        direction = types.message_direction(method)
        if method in LIFECYCLE or kind is None or direction not in ("clientToServer", "both"):
            continue
        for _ in range(n_each):
            params = unstructured(instance(kind, dice))
            cases.append(case_of(method, params, is_valid=True))
            wrong = spoiled_copy(params, kind, dice)
            if wrong is not None:
                cases.append(case_of(method, wrong, is_valid=False))
    dice.shuffle(cases)
    return cases


def case_of(method: str, params: Json, *, is_valid: bool) -> Json:
    message = {"jsonrpc": "2.0", "method": method, "params": params}
    if types.METHOD_TO_TYPES[method][1] is not None:
        message["id"] = 0
    return {"type": method, "valid": is_valid, "message": message}


def unstructured(value: Any) -> Json:
    """`value` as it arrives in a message."""
    return json.loads(json.dumps(CONVERTER.unstructure(value)))


def instance(kind: Any, dice: random.Random, depth: int = 0) -> Any:
    """A random instance of an lsprotocol class or of the type of one of its attributes."""
    origin, arguments = get_origin(kind), get_args(kind)
    if attrs.has(kind):
        return kind(
            **{
                field.name: attribute(field, dice, depth)
                for field in attrs.fields(kind)
                # The deeper, the fewer of the optional ones.
                if field.default is attrs.NOTHING or dice.random() < 0.7**depth
            }
        )
    if origin in (Union, python_types.UnionType):
        return instance(dice.choice([a for a in arguments if a is not type(None)] or [None]), dice, depth)
    if origin is tuple:
        return tuple(instance(argument, dice, depth) for argument in arguments)
    if origin is not None and issubclass(origin, Mapping):
        return {text(dice): instance(arguments[1], dice, depth + 1) for _ in range(dice.randrange(3))}
    if origin is not None and issubclass(origin, Sequence):
        return [instance(arguments[0], dice, depth + 1) for _ in range(dice.randrange(3))]
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return dice.choice(list(kind))
    if kind is Any or kind is types.LSPObject:
        return dice.choice([None, True, 3, -1.5, text(dice), [], {text(dice): [text(dice)]}])
    return {
        str: lambda: text(dice),
        bool: lambda: dice.random() < 0.5,
        int: lambda: dice.choice([0, 1, 7, 2**31 - 1]),
        float: lambda: dice.random(),
    }[kind]()


def attribute(field: Any, dice: random.Random, depth: int) -> Any:
    if field.default not in (attrs.NOTHING, None):
        # A literal that tells the members of a union apart.
        return field.default
    if "uri" in field.name.lower() and dice.random() < 0.7:
        return "file:///a.py"
    return instance(field.type, dice, depth + 1)


def text(dice: random.Random) -> str:
    return dice.choice(
        ["", "x", "é界😀", "x = (1\n", "\r\n\f\u2028", "\ud800", "file:///a.py", "redraft.repair"]
    )


def spoiled_copy(params: Json, kind: Any, dice: random.Random) -> Json | None:
    """`params` with one thing in it that must not be; None if there is nothing in it that could be wrong."""
    params = json.loads(json.dumps(params))
    places = list(spoilable(params, kind))
    if not places:
        return None
    holder, key, wrong = dice.choice(places)
    if dice.random() < 0.3:
        del holder[key]
    else:
        holder[key] = dice.choice(wrong)
    return params


def spoilable(value: Json, kind: Any) -> Iterator[tuple[dict[str, Json], str, list[Json]]]:
    """The required attributes in `value` whose types leave no doubt, with what they must not be."""
    for field in attrs.fields(kind) if attrs.has(kind) else ():
        name, wanted = camel(field.name), field.type
        if field.default is attrs.NOTHING and wanted in WRONG:
            yield value, name, WRONG[wanted]
        if value.get(name) is not None:
            inner = [a for a in (get_args(wanted) or [wanted]) if a is not type(None)]
            if len(inner) == 1 and isinstance(value[name], dict):
                yield from spoilable(value[name], inner[0])


WRONG: dict[Any, list[Json]] = {
    str: [None, 3, True, [], {}],
    bool: [None, 1, "true", []],
    int: [None, "1", True, 1.5, [], {}, -(2**31) - 1],
}


def camel(name: str) -> str:
    first, *rest = name.removesuffix("_").split("_")
    return first + "".join(part.title() for part in rest)
