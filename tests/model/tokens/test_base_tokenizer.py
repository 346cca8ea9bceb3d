"""The tokenizer of a pretrained base keeps every text, never takes text for a control token, and says where text can be cut."""

import json
import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redraft_model.errors import CheckpointError
from redraft_model.tokens.base_tokenizer import BaseTokenizer

# Text as in programs, with what the tokenizers of other bases split at.
CODE = st.text(st.sampled_from(list("ab_ 1.'\"(=\n\t\r:é漢🙂\u0301\x04\U00050000")), max_size=30)
TEXT = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), CODE)

GPT_2 = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Digits", "individual_digits": True},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    ],
}


def split_at(pattern: str) -> dict[str, Any]:
    return {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        ],
    }


WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|"
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPLITTERS = {
    "gpt-2": GPT_2,
    "llama 3": split_at(WORDS + r"\p{N}{1,3}" + REST),
    "qwen 2": split_at(WORDS + r"\p{N}" + REST),
}


@pytest.fixture(scope="module", params=list(SPLITTERS))
def tokenizer(
    request: pytest.FixtureRequest, tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory
) -> BaseTokenizer:
    """Merges learnt from a file, split as different bases split; it lacks bytes, normalises, has a token that is not special."""
    data = json.loads(tiny_gguf.with_name("tokenizer.json").read_text())
    data["pre_tokenizer"] = SPLITTERS[request.param]
    data["normalizer"] = {"type": "NFC"}
    for character in "ĄñĆ":
        del data["model"]["vocab"][character]
    data["added_tokens"].append(
        {**data["added_tokens"][0], "id": 400, "content": "<tool>", "special": False, "normalized": False}
    )
    path = tmp_path_factory.mktemp("base") / "tokenizer.json"
    path.write_text(json.dumps(data))
    return BaseTokenizer.load(path)


@given(text=TEXT)
@settings(deadline=None)
@example(text="\x04\x06\U00050000 e\u0301 \u212b <|endoftext|><tool>")
def test_any_text_survives(tokenizer: BaseTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert tokenizer.decode_bytes(ids) == text.encode()
    assert tokenizer.decode(ids) == text
    (same,) = tokenizer.encode_batch([text])
    assert np.array_equal(ids, same)


@given(text=st.lists(st.sampled_from(["<|endoftext|>", "<file_sep>", "<tool>", "<", "x", " "])).map("".join))
@settings(deadline=None)
def test_text_never_becomes_a_control_token(tokenizer: BaseTokenizer, text: str) -> None:
    assert set(tokenizer.specials) == {"<|endoftext|>", "<|im_start|>", "<file_sep>", "<tool>"}
    assert set(tokenizer.specials.values()).isdisjoint(tokenizer.encode(text).tolist())


@given(text=TEXT)
@settings(deadline=None)
def test_borders_are_where_the_bytes_of_tokens_end(tokenizer: BaseTokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    ends = [len(tokenizer.decode_bytes(ids[:n])) for n in range(len(ids) + 1)]
    assert tokenizer.borders(ids).tolist() == ends


@given(text=TEXT, behind=TEXT)
@settings(deadline=None)
@example(text="x'l", behind="l y")
@example(text="foo(\n    ", behind="\n")
def test_what_is_settled_has_the_same_tokens_whatever_follows(
    tokenizer: BaseTokenizer, text: str, behind: str
) -> None:
    settled = text[: tokenizer.settled(text)]
    ids = tokenizer.encode(settled)
    assert np.array_equal(tokenizer.encode(text + behind)[: len(ids)], ids)


@pytest.mark.parametrize(
    ("text", "settled"),
    [
        ("", ""),
        ("name", ""),
        ("return na", "return"),
        ("return name\n    ", "return name"),
        ("x = f", "x ="),
        ("x = f()  ", "x = f()"),
        ("    ", ""),
        ("x = 12", "x = 1"),
    ],
)
def test_a_text_is_cut_before_its_last_word_or_the_blanks_at_its_end(
    tiny_gguf: Path, text: str, settled: str
) -> None:
    tokenizer = BaseTokenizer.load(tiny_gguf.with_name("tokenizer.json"))
    assert text[: tokenizer.settled(text)] == settled


def test_a_byte_that_the_vocabulary_lacks_stands_in_for_the_next_one(tokenizer: BaseTokenizer) -> None:
    assert tokenizer.n_vocabulary == 404
    lacking = [int(tokenizer.encode(text)[0]) for text in ("\x04", "\x06", "\U00050000")]
    assert lacking == [401, 402, 403]
    assert [tokenizer.stand_ins[id_] for id_ in lacking] == [
        int(tokenizer.encode(text)[0]) for text in ("\x05", "\x07", "\U00090000")
    ]


@given(text=TEXT)
@settings(deadline=None)
@example(text="<|mask|><|endoftext|><tool> \x04")
def test_control_tokens_move_the_ids_and_nothing_else(tokenizer: BaseTokenizer, text: str) -> None:
    moved = tokenizer.with_control_tokens()
    ids = moved.encode(text)
    assert ids.tolist() == [id_ + moved.n_specials for id_ in tokenizer.encode(text).tolist()]
    assert moved.decode_bytes(ids) == text.encode()
    assert moved.n_vocabulary == moved.n_specials + tokenizer.n_vocabulary
    bases_own = [moved.n_specials + id_ for id_ in tokenizer.specials.values()]
    assert moved.decode_bytes([*range(moved.n_specials), *bases_own]) == b""


def test_ids_are_those_of_the_library(tiny_gguf: Path) -> None:
    from tokenizers import Tokenizer

    path = tiny_gguf.with_name("tokenizer.json")
    text = Path(textwrap.__file__).read_text("utf-8")
    assert BaseTokenizer.load(path).encode(text).tolist() == Tokenizer.from_file(str(path)).encode(text).ids


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"model": {"vocab": {"a": 0}}}'])
def test_what_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(CheckpointError, match="cannot read"):
        BaseTokenizer.load(path)
    path.write_text(content)
    with pytest.raises(CheckpointError, match="is not a tokenizer file"):
        BaseTokenizer.load(path)


def test_a_tokenizer_that_changes_text_is_refused(tmp_path: Path, tiny_gguf: Path) -> None:
    data = json.loads(tiny_gguf.with_name("tokenizer.json").read_text())
    data["pre_tokenizer"] = {
        "type": "Metaspace",
        "replacement": "▁",
        "prepend_scheme": "always",
        "split": True,
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(data))
    with pytest.raises(CheckpointError, match="is no byte-level BPE"):
        BaseTokenizer.load(path)


@pytest.fixture(scope="module")
def real(base_folder: Path) -> BaseTokenizer:
    return BaseTokenizer.load(base_folder / "tokenizer.json")


@given(text=TEXT)
@settings(deadline=None)
def test_the_real_base_keeps_every_text(real: BaseTokenizer, text: str) -> None:
    assert real.decode_bytes(real.encode(text)) == text.encode()
    assert set(real.specials.values()).isdisjoint(real.encode(text).tolist())
