"""Generated messages, right and wrong: each request is answered once and as it deserves, and nothing else happens.

They are made from lsprotocol's classes, the same each time: for every method that a client may call, parameters with
every alternative of every attribute, random ones, random ones in which one thing is wrong, and envelopes that are no
JSON-RPC.
"""

import enum
import json
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

# They end the phase in which others can be tried, so they get servers of their own.
LIFECYCLE = ("initialize", "shutdown", "exit")
# Whether these can be answered depends on more than the form of their parameters.
CHECKED_FURTHER = ("codeAction/resolve", "workspace/executeCommand")

NO_METHOD, INVALID, FAILED = -32601, {-32600, -32602}, -32803
N_EACH = 40
UNIONS = (Union, python_types.UnionType)
N_INITIALIZE = 150

Json = Any


async def test_messages_of_every_method_are_answered_as_they_deserve(
    start_editor: Any, tmp_path: Path
) -> None:
    editor = await start_editor()
    await editor.initialize()
    counts = await answers_of(editor, made(random.Random(11), N_EACH))
    assert counts.total() > 4_000
    # Far from everything is refused.
    assert sum(n for (_, is_valid, code), n in counts.items() if is_valid and code == 0) > 200
    assert complaints(tmp_path) == []


async def test_what_is_no_json_rpc_is_refused_and_harms_nobody(start_editor: Any, tmp_path: Path) -> None:
    editor = await start_editor()
    await editor.initialize()
    counts = await answers_of(editor, enveloped(random.Random(13)))
    assert {code for (_, is_valid, code) in counts if not is_valid} == {*INVALID, NO_METHOD}
    assert counts.total() > 500
    assert complaints(tmp_path) == []


async def test_a_conversation_starts_with_whatever_is_a_valid_initialize(
    start_editor: Any, tmp_path: Path
) -> None:
    dice = random.Random(12)
    kind = types.METHOD_TO_TYPES["initialize"][2]
    valid = [unstructured(instance(kind, dice)) for _ in range(8)]
    invalid = [
        params for _ in range(N_INITIALIZE) if (params := spoiled_copy(valid[0], kind, dice)) is not None
    ]
    cases = [case_of("initialize", params, is_valid=False) for params in invalid]
    cases += [case_of("initialize", params, is_valid=True) for params in valid]
    counts = await starts_of(start_editor, cases)
    assert counts["initialize", False, -32602] > N_INITIALIZE / 2
    assert counts["initialize", True, 0] == len(valid)
    assert complaints(tmp_path) == []


@pytest.mark.parametrize("params", [{}, {"params": None}, {"params": {}}, {"params": []}], ids=repr)
async def test_a_conversation_ends_whatever_params_it_ends_with(start_editor: Any, params: Json) -> None:
    editor = await start_editor()
    await editor.initialize()
    shutdown = editor.start_as_it_is({"jsonrpc": "2.0", "method": "shutdown", **params})
    assert (await editor.response(shutdown))["result"] is None
    editor.send({"jsonrpc": "2.0", "method": "exit", **params})
    assert await editor.exit_code() == 0


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


def made(dice: random.Random, n_each: int) -> list[Json]:
    """Messages for all methods that a client may call: valid ones, at least `n_each`, and as many that are not."""
    cases = []
    for method, kind in callable_methods():
        for params in variants(kind, dice):
            cases.append(case_of(method, unstructured(params), is_valid=True))
        for _ in range(n_each):
            params = unstructured(instance(kind, dice))
            cases.append(case_of(method, params, is_valid=True))
            wrong = spoiled_copy(params, kind, dice)
            if wrong is not None:
                cases.append(case_of(method, wrong, is_valid=False))
    dice.shuffle(cases)
    return cases


def callable_methods() -> Iterator[tuple[str, Any]]:
    """What a client may call between initialize and shutdown, with the class of its parameters."""
    for method, (_, _, kind, _) in types.METHOD_TO_TYPES.items():
        direction = types.message_direction(method)
        if method not in LIFECYCLE and kind is not None and direction in ("clientToServer", "both"):
            yield method, kind


def enveloped(dice: random.Random) -> list[Json]:
    """Messages of all methods that a client may call, in envelopes that are wrong, or right but unusual."""
    cases = []
    for method, kind in callable_methods():
        case = case_of(method, unstructured(instance(kind, dice)), is_valid=True)
        for name, odd in ODD.items():
            for value in odd if name in case["message"] else ():
                message = {**case["message"], name: value}
                if value is ...:
                    message.pop(name)
                cases.append({"type": method, "valid": False, "message": message})
        cases.append({**case, "message": {**case["message"], "extra": [None]}})
    dice.shuffle(cases)
    return cases


ODD: dict[str, list[Json]] = {
    "id": [None, 1.5, True, [1], {}],
    "jsonrpc": [..., None, "1.0", 2.0, ["2.0"]],
    "method": [..., None, 3, ["shutdown"], {}],
    "params": [None, 3, True, "x", [], [{}]],
}


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
    if origin in UNIONS:
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


def variants(kind: Any, dice: random.Random) -> Iterator[Any]:
    """Instances of an lsprotocol class in which each alternative of each attribute comes up."""
    for field in attrs.fields(kind):
        alternatives = get_args(field.type) if get_origin(field.type) in UNIONS else (field.type,)
        for alternative in alternatives:
            others = {
                other.name: attribute(other, dice, 0)
                for other in attrs.fields(kind)
                if other is not field and (other.default is attrs.NOTHING or dice.random() < 0.5)
            }
            value = None if alternative is type(None) else instance(alternative, dice)
            yield kind(**others, **{field.name: value})


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
