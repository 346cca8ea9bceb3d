"""Training samples: executing the targets gives the file's text back, and nothing else is asked."""

import ast
import random
import re
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.hidden_words import words
from redraft_model.data.samples import IGNORED, Mixture, Sample, SampleMaker
from redraft_model.data.shards import Shards
from redraft_model.noise.syntax import parses
from redraft_model.text.parser import N_KINDS, problem
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, INSERT_IDS, MASK_ID, apply
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, REGION, REGION_END, SPECIALS, Tokenizer

LONGEST = 128
PROCESSES = ("mask", "edit", "syntax", "semantic", "span", "keep")
REPAIRS = ("edit", "syntax", "semantic", "keep")


def maker(tokenizer: Tokenizer, shards: Shards, process: str, **options: float) -> SampleMaker:
    """Asks for every kept token, so that the targets are complete, and hides nothing besides what the process does."""
    mixture = Mixture.of(**{process: 1.0}, kept_share=options.pop("kept_share", 1.0))
    return SampleMaker(
        tokenizer=tokenizer,
        shards=shards,
        mixture=mixture,
        longest=LONGEST,
        **({"hidden_share": 0.0} | options),
    )


def draws(maker: SampleMaker, n: int = 60, seed: int = 0) -> list[Sample]:
    rng = random.Random(seed)
    return [maker.draw(rng) for _ in range(n)]


def region(sample: Sample) -> tuple[int, int]:
    """Where the region starts, and where its end marker is."""
    (start,) = np.flatnonzero(sample.tokens == SPECIALS.index(REGION))
    (end,) = np.flatnonzero(sample.tokens == SPECIALS.index(REGION_END))
    return int(start) + 1, int(end)


def answered(sample: Sample) -> list[np.ndarray]:
    """The sequence without its control tokens, with the targets executed: pieces of text between the masks left."""
    start, end = region(sample)
    shown = np.append(sample.tokens[start:end], ANCHOR_ID)
    targets = sample.targets[start : end + 1]
    canvas = apply(sample.tokens[start:end], np.where(targets == IGNORED, shown, targets).astype(np.int32))
    tokens = np.concatenate([sample.tokens[: start - 1], canvas, sample.tokens[end + 1 :]])
    tokens = tokens[(tokens >= len(SPECIALS)) | (tokens == MASK_ID)]
    return np.split(tokens, np.flatnonzero(tokens == MASK_ID))


def texts(shards: Shards) -> list[str]:
    return [Path(path).read_text("utf-8") for path in shards.paths()]


def is_in_a_file(
    pieces: list[np.ndarray], tokenizer: Tokenizer, shards: Shards, blanks_count: bool = True
) -> bool:
    """Whether a file reads like the pieces, with about as many characters between them as the masks can stand for."""

    def read(text: str) -> str:
        return text if blanks_count else "".join(text.split())

    pattern = ""
    n_masks = 0
    for i, piece in enumerate(pieces):
        n_masks += i > 0
        text = read(tokenizer.decode(piece))
        if text or i == len(pieces) - 1:
            pattern += (f"(?s:.{{0,{40 * n_masks}}}?)" if n_masks else "") + re.escape(text)
            n_masks = 0
    return any(re.search(pattern, read(text)) for text in texts(shards))


@pytest.mark.parametrize("process", ["mask", "span"])
def test_filling_the_masks_with_the_targets_gives_the_text_of_the_file(
    tokenizer: Tokenizer, shards: Shards, process: str
) -> None:
    for sample in draws(maker(tokenizer, shards, process, standalone=0.0)):
        (tokens,) = answered(sample)
        text = tokenizer.decode(tokens)
        assert len(text) > 10
        assert any(text in whole for whole in texts(shards))


@pytest.mark.parametrize("process", ["edit", "syntax", "semantic", "keep"])
def test_executing_the_targets_gives_the_text_of_the_file_up_to_opened_masks(
    tokenizer: Tokenizer, shards: Shards, process: str
) -> None:
    samples = draws(maker(tokenizer, shards, process, standalone=0.0))
    # A token before which masks are opened gets or loses its blank in the next round.
    blanks_count = process in {"edit", "keep"}
    assert all(is_in_a_file(answered(sample), tokenizer, shards, blanks_count) for sample in samples)
    if process != "keep":
        # What is shown is not the file's text.
        worse = [np.split(sample.tokens[sample.tokens >= len(SPECIALS)], []) for sample in samples]
        whole = [s for s in worse if any(tokenizer.decode(s[0]) in text for text in texts(shards))]
        assert len(whole) < len(samples) / 4


def test_a_repaired_standalone_text_parses_and_the_shown_one_does_not(
    tokenizer: Tokenizer, shards: Shards
) -> None:
    n_whole = n_broken = 0
    for sample in draws(maker(tokenizer, shards, "syntax", standalone=1.0)):
        pieces = answered(sample)
        if len(pieces) == 1 and not (sample.tokens == MASK_ID).any():
            n_whole += 1
            ast.parse(tokenizer.decode(pieces[0]))
            # In some samples a part of the repair has been done already.
            n_broken += not parses(tokenizer.decode(sample.tokens))
    assert n_whole > 10
    assert n_broken > 0.7 * n_whole


@pytest.mark.parametrize("standalone", [0.0, 1.0])
def test_the_place_where_the_parser_stops_is_marked(
    tokenizer: Tokenizer, shards: Shards, standalone: float
) -> None:
    n_marked = n_checked = 0
    for sample in draws(maker(tokenizer, shards, "syntax", standalone=standalone), 100):
        if sample.mark is None:
            continue
        n_marked += 1
        index, kind = sample.mark
        start, end = region(sample)
        assert start <= index < end
        assert 0 <= kind < N_KINDS
        if standalone and not (sample.tokens == MASK_ID).any():
            shown = sample.tokens[sample.tokens >= tokenizer.n_specials]
            trouble = problem(tokenizer.decode(shown))
            at = index - int((sample.tokens[:index] < tokenizer.n_specials).sum())
            if trouble is not None:
                n_checked += 1
                borders = tokenizer.borders(shown)
                assert borders[at] <= trouble.span.start <= borders[at + 1]
                assert kind == trouble.kind
    assert n_marked > 40
    assert n_checked >= 20 * standalone


@pytest.mark.parametrize("process", ["mask", "span", "semantic", "keep"])
def test_nothing_is_marked_in_a_text_that_parses(tokenizer: Tokenizer, shards: Shards, process: str) -> None:
    assert all(sample.mark is None for sample in draws(maker(tokenizer, shards, process)))


@pytest.mark.parametrize("process", PROCESSES)
def test_only_the_region_and_its_end_are_asked(tokenizer: Tokenizer, shards: Shards, process: str) -> None:
    for sample in draws(maker(tokenizer, shards, process)):
        start, end = region(sample)
        asked = np.flatnonzero(sample.targets != IGNORED)
        assert len(asked)
        assert start <= asked[0]
        assert asked[-1] <= end
        np.testing.assert_array_equal(sample.weights > 0, sample.targets != IGNORED)
        # Of the end marker the only answers are KEEP and an insertion before it.
        assert sample.targets[end] in (IGNORED, ANCHOR_ID, *INSERT_IDS)
        assert (sample.targets != MASK_ID).all()


@pytest.mark.parametrize("process", PROCESSES)
def test_no_sample_is_longer_than_the_longest(tokenizer: Tokenizer, shards: Shards, process: str) -> None:
    assert max(len(sample) for sample in draws(maker(tokenizer, shards, process), 200)) <= LONGEST


@pytest.mark.parametrize("process", PROCESSES)
def test_a_sequence_is_language_action_context_and_one_region(
    tokenizer: Tokenizer, shards: Shards, process: str
) -> None:
    action = "complete" if process == "span" else "repair"
    for sample in draws(maker(tokenizer, shards, process)):
        assert sample.process == process
        assert sample.tokens[:2].tolist() == [tokenizer.id_of("<|python|>"), tokenizer.id_of(f"<|{action}|>")]
        start, end = region(sample)
        allowed = {MASK_ID}
        assert {id_ for id_ in sample.tokens[start:end].tolist() if id_ < len(SPECIALS)} <= allowed
        borders = {tokenizer.id_of(FILE_START), tokenizer.id_of(FILE_END)}
        outside = [*sample.tokens[2 : start - 1].tolist(), *sample.tokens[end + 1 :].tolist()]
        assert {id_ for id_ in outside if id_ < len(SPECIALS)} <= borders


def test_standalone_samples_are_whole_files(tokenizer: Tokenizer, shards: Shards) -> None:
    for sample in draws(maker(tokenizer, shards, "keep", standalone=1.0)):
        assert sample.tokens[2] == tokenizer.id_of(FILE_START)
        assert sample.tokens[-1] == tokenizer.id_of(FILE_END)
        ast.parse(tokenizer.decode(sample.tokens))


def test_a_clean_text_is_kept_everywhere(tokenizer: Tokenizer, shards: Shards) -> None:
    for sample in draws(maker(tokenizer, shards, "keep")):
        asked = sample.targets != IGNORED
        np.testing.assert_array_equal(sample.targets[asked], sample.tokens[asked])
        assert (sample.tokens != MASK_ID).all()


def test_surplus_masks_of_a_span_are_to_be_deleted(tokenizer: Tokenizer, shards: Shards) -> None:
    n_surplus = n_written = 0
    for sample in draws(maker(tokenizer, shards, "span")):
        start, end = region(sample)
        deleted = np.flatnonzero(sample.targets == DELETE_ID)
        # They are the last masks of the region, they count about as one position, and nothing else is deleted.
        np.testing.assert_array_equal(deleted, np.arange(end - len(deleted), end))
        assert (sample.tokens[deleted] == MASK_ID).all()
        if len(deleted):
            n_surplus += 1
            assert sample.weights[deleted].sum() == pytest.approx(1.0)
            assert sample.weights[deleted[0]] >= 0.5
            # All of the text may be there: its end is asked where a text that is written from the left would meet it.
            n_written += bool((sample.tokens[start : deleted[0]] != MASK_ID).all())
        asked = np.flatnonzero(sample.targets != IGNORED)
        assert (sample.tokens[asked] == MASK_ID).all()
        assert not np.isin(sample.targets, INSERT_IDS).any()
        assert len(deleted) < end - start
    assert n_surplus > 10
    assert n_written > 2


def test_a_masked_position_weighs_one_over_gamma(tokenizer: Tokenizer, shards: Shards) -> None:
    shares, expected = [], []
    for sample in draws(maker(tokenizer, shards, "mask", mask_scale=1.0), 200):
        start, end = region(sample)
        is_mask = sample.tokens == MASK_ID
        np.testing.assert_array_equal(is_mask, sample.targets != IGNORED)
        (weight,) = set(sample.weights[is_mask].tolist())
        # gamma is at least one mask per block of 32.
        assert 1.0 <= weight <= 32.0
        gamma, n = 1.0 / weight, end - start
        n_blocks = -(-n // 32)
        spread = 4 * (n * gamma * (1 - gamma)) ** 0.5 + 1
        assert n * gamma - spread <= is_mask.sum() <= n * gamma + spread + n_blocks
        shares.append(is_mask.sum() / n)
        expected.append(gamma)
    assert np.mean(shares) == pytest.approx(np.mean(expected), abs=0.05)
    assert np.std(expected) > 0.2


def test_the_mask_scale_scales_the_mask_weights(tokenizer: Tokenizer, shards: Shards) -> None:
    full = draws(maker(tokenizer, shards, "mask", mask_scale=1.0), 5)
    fifth = draws(maker(tokenizer, shards, "mask", mask_scale=0.2), 5)
    for a, b in zip(full, fifth, strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)
        np.testing.assert_allclose(a.weights * 0.2, b.weights, rtol=1e-6)


def test_a_run_of_deletions_weighs_less_per_token_and_an_insertion_more(
    tokenizer: Tokenizer, shards: Shards
) -> None:
    n_long = 0
    for sample in draws(maker(tokenizer, shards, "syntax", insert_weight=1.5), 200):
        assert (sample.weights[np.isin(sample.targets, INSERT_IDS)] == 1.5).all()
        deleted = sample.targets == DELETE_ID
        runs = np.split(np.arange(len(deleted)), np.flatnonzero(np.diff(deleted.astype(int))) + 1)
        for run in runs:
            if deleted[run[0]]:
                n_long += len(run) > 1
                np.testing.assert_allclose(sample.weights[run], len(run) ** -0.5, rtol=1e-6)
        others = (sample.targets != IGNORED) & ~deleted & ~np.isin(sample.targets, INSERT_IDS)
        assert set(sample.weights[others].tolist()) <= {1.0}
    assert n_long > 0


@pytest.mark.parametrize("process", REPAIRS)
def test_kept_positions_are_subsampled(tokenizer: Tokenizer, shards: Shards, process: str) -> None:
    n_kept = n_asked = 0
    for sample in draws(maker(tokenizer, shards, process, kept_share=0.2), 100):
        start, end = region(sample)
        asked = sample.targets != IGNORED
        kept = asked & (sample.targets == sample.tokens)
        n_asked += int(kept.sum())
        n_kept += end - start + 1 - int((asked & ~kept).sum())
    assert n_asked / n_kept == pytest.approx(0.2, abs=0.03)


def test_half_repaired_canvases_occur(tokenizer: Tokenizer, shards: Shards) -> None:
    with_masks = [(s.tokens == MASK_ID).any() for s in draws(maker(tokenizer, shards, "syntax"), 200)]
    assert 0.05 < np.mean(with_masks) < 0.4


@pytest.mark.parametrize("process", ["syntax", "span", "keep"])
def test_hidden_words_are_asked_and_nothing_else_changes(
    tokenizer: Tokenizer, shards: Shards, process: str
) -> None:
    plain = draws(maker(tokenizer, shards, process))
    hiding = draws(maker(tokenizer, shards, process, hidden_share=1.0, hidden_rate=0.4, hidden_weight=0.5))
    n_hidden = n_words = n_outside = 0
    for a, b in zip(plain, hiding, strict=True):
        hidden = a.tokens != b.tokens
        assert (b.tokens[hidden] == MASK_ID).all()
        np.testing.assert_array_equal(b.targets[hidden], a.tokens[hidden])
        assert set(b.weights[hidden].tolist()) <= {0.5}
        for name in ("targets", "weights"):
            np.testing.assert_array_equal(getattr(a, name)[~hidden], getattr(b, name)[~hidden])
        # What has to change is not hidden: the labels of the process are asked as before.
        changes = (a.targets != IGNORED) & (a.targets != a.tokens)
        assert not (hidden & changes).any()
        # A word is hidden as a whole.
        number = words(tokenizer, a.tokens)
        for word in set(number[hidden].tolist()):
            assert hidden[number == word].all()
            n_hidden += 1
        n_words += int(number.max()) - 4  # without the control tokens
        start, end = region(a)
        n_outside += int(hidden[:start].sum() + hidden[end:].sum())
    assert 0.1 < n_hidden / n_words < 0.3
    assert n_outside > 0


def test_samples_of_masks_hide_nothing_more(tokenizer: Tokenizer, shards: Shards) -> None:
    plain, hiding = (draws(maker(tokenizer, shards, "mask", hidden_share=share)) for share in (0.0, 1.0))
    for a, b in zip(plain, hiding, strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)


def test_words_are_runs_of_letters_digits_and_underscores(tokenizer: Tokenizer) -> None:
    text = "return self.base_64x(naïve, 12) + größe\n"
    tokens = tokenizer.encode(text)
    number = words(tokenizer, tokens)
    found = [tokenizer.decode(tokens[number == i]).strip() for i in range(int(number.max()) + 1)]
    assert found == ["return", "self", ".", "base_64x", "(", "naïve", ",", "12", ")", "+", "größe", ""]
    assert len(words(tokenizer, tokens[:0])) == 0


def test_the_same_random_numbers_give_the_same_sample(tokenizer: Tokenizer, shards: Shards) -> None:
    everything = SampleMaker(
        tokenizer=tokenizer,
        shards=shards,
        mixture=Mixture.of(mask=1, edit=1, syntax=1, semantic=1, span=1, keep=1),
        longest=LONGEST,
    )
    for a, b in zip(draws(everything, seed=5), draws(everything, seed=5), strict=True):
        assert a.process == b.process
        for name in ("tokens", "targets", "weights"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_processes_are_drawn_by_their_weights() -> None:
    rng = random.Random(0)
    names = [Mixture.of(mask=3, span=1).draw(rng) for _ in range(4000)]
    assert set(names) == {"mask", "span"}
    assert names.count("mask") / 4000 == pytest.approx(0.75, abs=0.03)
