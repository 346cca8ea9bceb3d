"""Regions for an adapter: the base's own tokens, cut where it cuts them, several copies over one context, nothing lost."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.pairs import Pair
from redraft_model.data.region_batches import RegionBatch, RegionSource
from redraft_model.data.regions import RegionMaker, RegionSample, RegionShape
from redraft_model.data.samples import IGNORED, Mixture
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.tokens.alignment import ANCHOR_ID, MASK_ID, apply
from redraft_model.tokens.tokenizer import Tokenizer

SHAPE = RegionShape(64, 48, 48)
EDITS = Mixture.of(mask=0.2, edit=0.2, syntax=0.2, semantic=0.2, span=0.2, keep=0.1, kept_share=1.0)
FIX = Pair("def f(x):\n    return x +\n", "def f(x):\n    return x + 1\n", "a test", "nobody", "MIT")


@pytest.fixture(scope="module")
def source(shard_folder: Path, tokenizer_file: Path, toy_base: Path) -> RegionSource:
    return RegionSource(
        shard_folder / "train",
        tokenizer_file,
        toy_base / "tokenizer.json",
        start_id=0,
        batch_tokens=1024,
        batches_per_chunk=3,
        shapes=((SHAPE, 0.5), (RegionShape(16, 8, 16), 0.5)),
    )


@pytest.fixture(scope="module")
def texts(shards: Shards) -> list[str]:
    return [Path(path).read_text("utf-8") for path in shards.paths()]


def draws(maker: RegionMaker, n: int = 80, shape: RegionShape = SHAPE) -> list[RegionSample]:
    rng = random.Random(0)
    return [maker.draw(rng, shape) for _ in range(n)]


def text_around(tokenizer: Tokenizer, sample: RegionSample) -> str:
    return tokenizer.decode(np.concatenate([sample.prefix, sample.clean, sample.suffix]))


@pytest.mark.parametrize("mixture", [Mixture.of(mask=1.0), EDITS], ids=["masks", "edits"])
def test_prefix_region_and_suffix_are_text_of_a_file(
    source: RegionSource, texts: list[str], mixture: Mixture
) -> None:
    maker = source.maker(mixture)
    for sample in draws(maker):
        assert 1 <= len(sample.prefix) <= SHAPE.prefix
        assert len(sample.suffix) <= SHAPE.suffix
        assert 1 <= len(sample.clean) <= SHAPE.region
        # A cut may fall into a character.
        shown = text_around(maker.tokenizer, sample).strip("\ufffd")
        assert any(shown in text for text in texts)


def test_tokens_are_those_of_the_whole_text(source: RegionSource) -> None:
    maker = source.maker(EDITS)
    n_compared = 0
    for sample in draws(maker):
        n = len(sample.prefix)
        if n < 12 or len(sample.suffix) < 12:
            continue
        tokens = np.concatenate([sample.prefix[-12:], sample.clean, sample.suffix[:12]])
        # At its ends a piece may have other tokens than the text has there; they meet again at the latest after a few.
        again = maker.tokenizer.encode(maker.tokenizer.decode(tokens)).tolist()
        middle = tokens[8:-8].tolist()
        assert any(again[i : i + len(middle)] == middle for i in range(len(again)))
        n_compared += 1
    assert n_compared > 20


def test_a_statement_begins_with_the_white_space_in_front_of_it(source: RegionSource) -> None:
    maker = source.maker(Mixture.of(syntax=1.0))
    starts = [maker.tokenizer.decode(sample.clean) for sample in draws(maker)]
    before = [maker.tokenizer.decode(sample.prefix)[-1:] for sample in draws(maker)]
    assert all(text[0] == "\n" or end == "" for text, end in zip(starts, before, strict=True))
    assert all(not end.isspace() for end in before)
    # Indentation and the first word of a line are not torn apart.
    assert any(text.startswith("\n    ") for text in starts)


def test_targets_lead_every_copy_back_to_the_clean_region(source: RegionSource) -> None:
    maker = source.maker(EDITS)
    seen = set()
    for sample in draws(maker):
        assert len(sample.copies) == 4
        for copy in sample.copies:
            assert len(copy.tokens) <= SHAPE.region
            assert len(copy.targets) == len(copy.weights) == len(copy.tokens) + 1
            assert ((copy.targets == IGNORED) == (copy.weights == 0)).all()
            shown = np.append(copy.tokens, ANCHOR_ID)
            answer = np.where(copy.targets == IGNORED, shown, copy.targets).astype(np.int32)
            result = apply(copy.tokens, answer)
            # Insertions open masks, which the next round fills.
            if copy.process in ("mask", "span", "keep"):
                assert np.array_equal(result, sample.clean)
            seen.add(copy.process)
    assert seen == {"mask", "edit", "syntax", "semantic", "span", "keep"}


def test_two_masked_copies_hide_each_token_once(source: RegionSource) -> None:
    for sample in draws(source.maker(Mixture.of(mask=1.0)), 20):
        for one, other in (sample.copies[:2], sample.copies[2:]):
            assert ((one.tokens == MASK_ID) ^ (other.tokens == MASK_ID)).all()
            assert np.array_equal(np.where(one.tokens == MASK_ID, other.tokens, one.tokens), sample.clean)


def test_the_start_of_a_file_and_its_end_are_the_base_s_start_token(source: RegionSource) -> None:
    maker = source.maker(Mixture.of(mask=1.0))
    start = maker.tokenizer.n_specials
    samples = draws(maker, 300, RegionShape(400, 300, 16))
    assert maker.start_id == start
    assert sum(start in sample.prefix for sample in samples) >= 5
    assert all(start not in sample.prefix[1:] for sample in samples)
    assert sum(start in sample.suffix for sample in samples) >= 5
    assert all(start not in sample.suffix[:-1] for sample in samples)


def test_a_real_fix_is_one_of_the_copies(source: RegionSource) -> None:
    maker = replace(source.maker(Mixture.of(syntax=1.0)), mixture=Mixture.of(real=1.0), pairs=(FIX,))
    sample = draws(maker, 1)[0]
    assert maker.tokenizer.decode(sample.clean).strip().endswith("return x + 1")
    assert [copy.process for copy in sample.copies] == ["real"] * 4
    assert np.array_equal(sample.prefix[:1], [maker.start_id])
    with pytest.raises(DataError, match="--pairs"):
        source.maker(Mixture.of(real=1.0))


def test_same_seed_same_batches(source: RegionSource) -> None:
    chunks = [source.chunk(5, EDITS), source.chunk_of(source.maker(EDITS), 5), source.chunk(6, EDITS)]
    tokens = [[batch.tokens.tolist() for batch in chunk] for chunk in chunks]
    assert tokens[0] == tokens[1] != tokens[2]


def check_batch(source: RegionSource, batch: RegionBatch) -> None:
    B, N = len(batch.prefix), len(batch.tokens)
    assert N == 4 * B == 4 * len(batch.gaps)
    for row in range(N):
        n, b = int(batch.lengths[row]), row // 4
        assert batch.tokens[row, 0] == batch.prefix[b, batch.prefix_lengths[b] - 1]
        assert batch.tokens[row, n - 1] == ANCHOR_ID
        assert (batch.tokens[row, n:] == 0).all()
        assert batch.targets[row, 0] == IGNORED
        assert (batch.targets[row, n:] == IGNORED).all()
    # A base has no row for our control tokens.
    assert min(batch.prefix.min(), batch.suffix.min()) >= source.maker(EDITS).tokenizer.n_specials


def test_a_batch_has_one_shape_and_rows_for_the_network(source: RegionSource) -> None:
    for static in (False, True):
        chosen = replace(source, is_static=static)
        batches = chosen.chunk(0, EDITS)
        assert len(batches) == 3
        for batch in batches:
            check_batch(source, batch)
            assert batch.prefix.size + batch.suffix.size + batch.tokens.size <= 1024
            assert (
                batch.n_tokens
                == batch.prefix_lengths.sum() + batch.suffix_lengths.sum() + batch.lengths.sum()
            )
            if static:
                assert (batch.prefix.shape[1], batch.tokens.shape[1]) in ((64, 50), (16, 18))
                assert len(batch.prefix) in (1024 // (64 + 48 + 4 * 50), 1024 // (16 + 8 + 4 * 18))


def test_masks_for_evaluation_have_their_rate(source: RegionSource) -> None:
    found = {}
    for rate in (0.15, 0.5):
        batches = source.masked(rate, 40, SHAPE)
        assert sum(len(batch.prefix) for batch in batches) == 40
        n_asked = sum(int((batch.targets != IGNORED).sum()) for batch in batches)
        n_tokens = sum(int((batch.lengths - 2).sum()) for batch in batches)
        assert abs(n_asked / n_tokens - rate) < 0.04
        found[rate] = [batch.prefix.tolist() for batch in batches]
    # Both are measured on the same regions.
    assert found[0.15] == found[0.5]
