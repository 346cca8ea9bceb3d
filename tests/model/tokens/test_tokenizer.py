"""The tokenizer: lossless for any text, with the pieces an edit model wants."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redraft_model.errors import CheckpointError
from redraft_model.tokens.tokenizer import ACTIONS, INSERTS, MASK, SPECIALS, Tokenizer

# Pieces of code and everything that has ever broken a tokenizer: line ends, blanks, control tokens, marks, emoji.
CODE = st.lists(
    st.one_of(
        st.sampled_from(
            ["\r\n", "\r", "\n", "\n    ", "\t", "\f", "\v", "\0", "\x1c", "\x85", "\u2028", "\ufeff", "é"]
        ),
        st.sampled_from(
            ["def f(x):", "    return x", "x=='a'", '"""', "12345", "٣", "👩‍👩‍👧", "e\u0301", "naïve", "变量"]
        ),
        st.sampled_from(SPECIALS),
        st.text(max_size=8),
    ),
    max_size=12,
).map("".join)


@given(CODE)
@example("")
@example("a\r\n\tb\f\x0c👍🏽<|mask|>\n\n")
def test_every_text_comes_back(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    assert ids.dtype == np.int32
    assert tokenizer.decode_bytes(ids) == text.encode()
    assert tokenizer.decode(ids) == text


@given(CODE)
def test_no_text_becomes_a_control_token(tokenizer: Tokenizer, text: str) -> None:
    assert (tokenizer.encode(text) >= tokenizer.n_specials).all()


@given(CODE)
def test_borders_are_byte_offsets(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    expected = [len(tokenizer.decode_bytes(ids[:i])) for i in range(len(ids) + 1)]
    assert tokenizer.borders(ids).tolist() == expected
    assert expected[-1] == len(text.encode())


@given(st.lists(CODE, max_size=4))
def test_a_batch_is_its_texts(tokenizer: Tokenizer, texts: list[str]) -> None:
    batch = tokenizer.encode_batch(texts)
    assert [ids.tolist() for ids in batch] == [tokenizer.encode(text).tolist() for text in texts]


def test_control_tokens_have_no_text_and_count_nothing(tokenizer: Tokenizer) -> None:
    ids = np.concatenate(
        [[tokenizer.id_of(MASK)], tokenizer.encode("a = 1"), [tokenizer.id_of("<|repair|>")]]
    )
    assert tokenizer.decode(ids) == "a = 1"
    assert tokenizer.borders(ids)[1] == 0
    assert (tokenizer.byte_lengths[: tokenizer.n_specials] == 0).all()
    assert (tokenizer.byte_lengths[tokenizer.n_specials :] > 0).all()


def test_bytes_that_are_no_text_become_a_replacement_character(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("é👍")
    assert tokenizer.decode_bytes(ids[:1]) != b""
    broken = [i for i in range(len(ids)) if "\ufffd" in tokenizer.decode(ids[:i])]
    assert broken


def test_special_tokens_come_first_in_a_fixed_order(tokenizer: Tokenizer) -> None:
    assert [tokenizer.id_of(special) for special in SPECIALS] == list(range(tokenizer.n_specials))
    assert len(set(SPECIALS)) == len(SPECIALS)
    assert {*INSERTS, *(f"<|{action}|>" for action in ACTIONS)} < set(SPECIALS)


def check_pieces(tokenizer: Tokenizer, text: str, expected: list[str]) -> None:
    assert [tokenizer.decode([id_]) for id_ in tokenizer.encode(text).tolist()] == expected


@pytest.mark.parametrize("digits", ["7", "12345", "3.14", " 100"])
def test_digits_are_split(tokenizer: Tokenizer, digits: str) -> None:
    expected = re.findall(r" ?\d|\.", digits)
    check_pieces(tokenizer, digits, expected)


@pytest.mark.parametrize("line_break", ["\n", "\n    ", "\n        ", "\n            "])
def test_a_line_break_and_its_indentation_are_one_token(tokenizer: Tokenizer, line_break: str) -> None:
    check_pieces(tokenizer, line_break, [line_break])
    assert tokenizer.breaks_line[tokenizer.encode(line_break)].all()


def test_only_line_breaks_break_lines(tokenizer: Tokenizer) -> None:
    for id_ in range(tokenizer.n_vocabulary):
        assert tokenizer.breaks_line[id_] == (tokenizer.decode_bytes([id_])[:1] in (b"\n", b"\r"))


@pytest.mark.parametrize(
    "operator", ["==", "!=", "<=", ">=", "->", ":=", "**", "//", "+=", "<<", ">>=", '"""', "'''", "..."]
)
def test_an_operator_is_one_token(operator: str) -> None:
    learnt = Tokenizer.train([f"x {operator} y{operator}z\n"] * 20, 330)
    check_pieces(learnt, f"a{operator}b", ["a", operator, "b"])
    check_pieces(learnt, f"a {operator}b", ["a", f" {operator}", "b"])


def test_brackets_commas_and_colons_stay_alone_however_often_they_meet() -> None:
    learnt = Tokenizer.train(["f((x, [y]), {z: (w,)})\n"] * 50, 400)
    alone = re.compile(r" ?[()\[\]{},:]")
    for id_ in range(learnt.n_specials, learnt.n_vocabulary):
        text = learnt.decode([id_])
        if set(text) & set("()[]{},:"):
            assert alone.fullmatch(text), text
    check_pieces(learnt, "((x,))", ["(", "(", "x", ",", ")", ")"])


def test_a_word_takes_one_space_along(tokenizer: Tokenizer) -> None:
    for text in (" return", "  return", "\treturn"):
        pieces = [tokenizer.decode([id_]) for id_ in tokenizer.encode(text).tolist()]
        assert "".join(pieces) == text
        assert not any(piece.strip() and piece.startswith(("  ", "\t")) for piece in pieces)


def test_a_tokenizer_survives_its_file(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert again.sha256 == tokenizer.sha256
    text = "def f(x):\r\n\treturn '<|mask|>' # é👍\n"
    assert again.encode(text).tolist() == tokenizer.encode(text).tolist()
    assert Tokenizer.train(["x = 1\n"], 400).sha256 != tokenizer.sha256


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[]", b'{"model": 1}'])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        Tokenizer.load(tmp_path / "tokenizer.json")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="pass a folder with a tokenizer"):
        Tokenizer.load(tmp_path / "tokenizer.json")


def test_a_strangers_tokenizer_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_json().replace(MASK, "<|mosk|>"), "utf-8")
    with pytest.raises(CheckpointError, match=re.escape("has no <|mask|> at id 1")):
        Tokenizer.load(tmp_path / "tokenizer.json")


def test_kin_are_the_same_but_for_blanks(tokenizer: Tokenizer) -> None:
    def variants(text: str) -> list[int]:
        return tokenizer.whitespace_variants[tokenizer.encode(text)].tolist()

    assert variants("x") == variants(" x")
    assert variants("(") == variants(" (")
    assert variants("\n") == variants("\n    ") == variants("\n        ")
    assert variants("x") != variants("y")
    assert variants(" =") != variants(" ==")
    specials = tokenizer.whitespace_variants[: tokenizer.n_specials]
    assert specials.tolist() == list(range(tokenizer.n_specials))
    assert len(tokenizer.whitespace_variants) == tokenizer.n_vocabulary
