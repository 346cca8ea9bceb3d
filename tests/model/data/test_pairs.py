"""Real fixes: what is written is read back, and a window of any pair is mended to the text after its fix."""

import gzip
import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from redraft_model.data.batches import BatchSource, BatchStream
from redraft_model.data.pair_window import cut, is_usable
from redraft_model.data.pairs import Pair, origins, read_pairs, write_pairs
from redraft_model.data.samples import IGNORED, Mixture, Sample, SampleMaker
from redraft_model.data.shards import Shards
from redraft_model.errors import DataError
from redraft_model.network.checkpoint import load_checkpoint
from redraft_model.tokens.alignment import ANCHOR_ID, MASK_ID, apply
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, REGION, REGION_END, SPECIALS, Tokenizer
from redraft_model.train.stages import EDITOR, FURTHER, REAL
from redraft_model.train.trainer import STATE_FILE, TrainSettings, train
from safetensors.torch import load_file
from torch import equal

LONGEST = 128
BODY = "".join(f"    total = total + values[{i}]\n" for i in range(40))


def pair(before: str, after: str, *, is_whole: bool = True, origin: str = "school") -> Pair:
    return Pair(before, after, origin, "task", "MIT", is_whole)


PAIRS = (
    pair("def f(x)\n    return x\n", "def f(x):\n    return x\n"),
    pair("x = [1, 2\n", "x = [1, 2]\n"),
    pair("for i in range(3):\nprint(i)", "for i in range(3):\n    print(i)"),
    pair(
        f"def add(values:\n    total = 0\n{BODY}", f"def add(values):\n    total = 0\n{BODY}", origin="work"
    ),
    pair(f"total = 0\nif x:\n{BODY}print(total\n", f"total = 0\nif x:\n{BODY}print(total)\n"),
    pair(f"if x:\n{BODY}    total -= 1\n{BODY}", f"if x:\n{BODY}    total -= 2\n    y = 3\n{BODY}"),
    pair(f"if x:\n{BODY}    surplus\n{BODY}", f"if x:\n{BODY}{BODY}"),
    pair("    return a + b\n    \n    )\n", "    return a + b\n", is_whole=False),
    pair("\n        x = {1: 2\n", "\n        x = {1: 2}\n", is_whole=False),
)


@pytest.fixture
def pair_file(tmp_path: Path) -> Path:
    write_pairs(tmp_path / "pairs.jsonl.gz", PAIRS)
    return tmp_path / "pairs.jsonl.gz"


def text_of(tokenizer: Tokenizer, *parts: np.ndarray) -> str:
    tokens = np.concatenate(parts)
    return tokenizer.decode(tokens[tokens >= len(SPECIALS)])


def maker(tokenizer: Tokenizer, shards: Shards, pairs: tuple[Pair, ...] = PAIRS) -> SampleMaker:
    mixture = Mixture.of(real=1, kept_share=1.0)
    return SampleMaker(
        tokenizer=tokenizer, shards=shards, mixture=mixture, longest=LONGEST, hidden_share=0.0, pairs=pairs
    )


def draws(maker: SampleMaker, n: int = 120, seed: int = 0) -> list[Sample]:
    rng = random.Random(seed)
    return [maker.draw(rng) for _ in range(n)]


def test_pairs_come_back_as_they_were_written(pair_file: Path) -> None:
    assert tuple(read_pairs(pair_file)) == PAIRS
    assert origins([pair_file]) == ("school", "work")
    data = pair_file.read_bytes()
    write_pairs(pair_file, PAIRS)
    assert pair_file.read_bytes() == data
    pair_file.write_bytes(data + data)
    assert tuple(read_pairs(pair_file)) == (*PAIRS, *PAIRS)


def test_a_pair_may_have_a_commit_and_its_message(pair_file: Path) -> None:
    pairs = [replace(PAIRS[0], commit="abc", message="Größer\n\nund mehr"), PAIRS[1]]
    write_pairs(pair_file, pairs)
    assert read_pairs(pair_file) == pairs
    # Files from before there were any can be read.
    rows = [
        {name: value for name, value in asdict(one).items() if name not in ("commit", "message")}
        for one in PAIRS
    ]
    pair_file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    assert tuple(read_pairs(pair_file)) == PAIRS


def test_pairs_are_written_as_a_whole_or_not_at_all(pair_file: Path) -> None:
    data = pair_file.read_bytes()

    def stopped() -> Iterator[Pair]:
        yield PAIRS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pairs(pair_file, stopped())
    assert pair_file.read_bytes() == data
    assert list(pair_file.parent.iterdir()) == [pair_file]
    with pytest.raises(DataError, match="cannot be written"):
        write_pairs(pair_file / "below", PAIRS)


GOOD = asdict(PAIRS[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("[]", "not an object with the fields before, after"),
        (json.dumps({"before": "a"}), "not an object with the fields before, after"),
        (json.dumps(GOOD | {"licence": None}), "licence should be a string"),
        (json.dumps(GOOD | {"is_whole": "yes"}), "is_whole should be true or false"),
        (json.dumps(GOOD | {"message": 1}), "message should be a string"),
        (json.dumps(GOOD | {"author": "me"}), "not an object with the fields before, after"),
        (json.dumps(GOOD | {"after": GOOD["before"]}), "changes nothing"),
        (json.dumps(GOOD | {"after": "x\r\n"}), "line ends"),
        ("", "holds no pair"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "pairs.jsonl.gz"
    path.write_bytes(gzip.compress(line.encode()))
    with pytest.raises(DataError, match=message):
        read_pairs(path)


def test_a_missing_and_a_damaged_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pair file"):
        read_pairs(tmp_path / "nowhere")
    (tmp_path / "plain").write_text("{}")
    with pytest.raises(DataError, match="cannot be read as gzipped"):
        read_pairs(tmp_path / "plain")


@pytest.mark.parametrize("one", PAIRS)
def test_a_window_is_a_piece_of_both_texts(tokenizer: Tokenizer, one: Pair) -> None:
    rng = random.Random(0)
    for _ in range(40):
        window = cut(tokenizer, one, rng.randrange(120), rng.randrange(60), rng)
        before = text_of(tokenizer, window.before, window.x_t, window.after)
        after = text_of(tokenizer, window.before, window.clean, window.after)
        around = "\n" if not one.is_whole else ""
        assert before in around + one.before
        assert after in around + one.after
        assert before != after
        starts = bool(len(window.before)) and window.before[0] == tokenizer.id_of(FILE_START)
        ends = bool(len(window.after)) and window.after[-1] == tokenizer.id_of(FILE_END)
        assert starts == (one.is_whole and one.before.startswith(before))
        assert ends == (one.is_whole and one.before.endswith(before))


def test_executing_the_targets_gives_the_text_after_the_fix(tokenizer: Tokenizer, shards: Shards) -> None:
    n_whole, processes = 0, set()
    for sample in draws(maker(tokenizer, shards)):
        processes.add(sample.process)
        assert len(sample) <= LONGEST
        assert sample.tokens[1] == tokenizer.id_of("<|repair|>")
        (start,) = np.flatnonzero(sample.tokens == SPECIALS.index(REGION)) + 1
        (end,) = np.flatnonzero(sample.tokens == SPECIALS.index(REGION_END))
        asked = np.flatnonzero(sample.targets != IGNORED)
        assert start <= asked[0]
        assert asked[-1] <= end
        targets = sample.targets[start : end + 1]
        shown = np.append(sample.tokens[start:end], ANCHOR_ID)
        answer = np.where(targets == IGNORED, shown, targets).astype(np.int32)
        canvas = apply(sample.tokens[start:end], answer)
        if (canvas == MASK_ID).any():
            continue
        n_whole += 1
        text = text_of(tokenizer, sample.tokens[: start - 1], canvas, sample.tokens[end:])
        assert any(text in ("" if one.is_whole else "\n") + one.after for one in PAIRS)
    assert n_whole > 40
    # Half of them are texts after their fix, broken anew.
    assert processes == {"real", "syntax"}


def test_the_same_random_numbers_give_the_same_sample(tokenizer: Tokenizer, shards: Shards) -> None:
    for a, b in zip(draws(maker(tokenizer, shards)), draws(maker(tokenizer, shards)), strict=True):
        for name in ("tokens", "targets", "weights"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def test_a_mixture_without_real_fixes_draws_as_if_there_were_none(
    tokenizer: Tokenizer, shards: Shards
) -> None:
    plain = SampleMaker(
        tokenizer=tokenizer,
        shards=shards,
        mixture=Mixture.of(mask=1, edit=1, syntax=1, semantic=1, span=1, keep=1),
        longest=LONGEST,
    )
    for a, b in zip(draws(plain, 20), draws(replace(plain, pairs=PAIRS), 20), strict=True):
        np.testing.assert_array_equal(a.tokens, b.tokens)


def test_a_change_that_leaves_no_room_is_not_usable(tokenizer: Tokenizer) -> None:
    assert all(is_usable(tokenizer, one, LONGEST) for one in PAIRS)
    assert not is_usable(tokenizer, pair(BODY, BODY.replace("+", "-")), LONGEST)
    assert not is_usable(tokenizer, pair("x\n", "\nx\n", is_whole=False), LONGEST)


@pytest.fixture
def source(shard_folder: Path, tokenizer_file: Path, pair_file: Path) -> BatchSource:
    return BatchSource(shard_folder / "train", tokenizer_file, 512, 4, 96, pairs=(pair_file,))


def test_batches_of_real_fixes_are_the_same_with_workers_and_without(source: BatchSource) -> None:
    def drawn(n_workers: int) -> list[bytes]:
        stream = BatchStream(source, n_workers)
        plan = ((index, Mixture.of(real=1, syntax=1)) for index in itertools.count())
        try:
            chunks = itertools.islice(stream.chunks(plan), 3)
            return [batch.tokens.tobytes() for chunk in chunks for batch in chunk]
        finally:
            stream.close()

    assert drawn(0) == drawn(2)


def test_a_recipe_that_wants_real_fixes_says_so(source: BatchSource) -> None:
    with pytest.raises(DataError, match="--pairs"):
        replace(source, pairs=()).maker(Mixture.of(real=1))


@pytest.fixture
def settings(
    shard_folder: Path, tokenizer_file: Path, pair_file: Path, tmp_path: Path
) -> Callable[..., TrainSettings]:
    def make(name: str, **options: object) -> TrainSettings:
        few = TrainSettings(
            "nano",
            shard_folder,
            tokenizer_file,
            tmp_path / name,
            tokens=4000,
            batch_tokens=512,
            batches_per_chunk=4,
            longest=96,
            n_workers=0,
            evaluate_batches=2,
            log_every=1,
        )
        return replace(few, **({"recipe": "real", "pairs": (pair_file,)} | options))

    return make


def test_a_stopped_run_on_real_fixes_goes_on_to_the_same_numbers(
    settings: Callable[..., TrainSettings], pair_file: Path
) -> None:
    straight = train(settings("straight", held_pairs=(pair_file,)))
    assert any(name.startswith("accuracy/real/") for name in straight.evaluation)
    boxed = settings("boxed", minutes=0.0)
    while not train(boxed).finished:
        pass
    one, other = (load_file(settings(name).out / STATE_FILE) for name in ("straight", "boxed"))
    assert [name for name in one if not equal(one[name], other[name])] == []


def test_a_checkpoint_names_the_fixes_it_was_trained_on(settings: Callable[..., TrainSettings]) -> None:
    first = settings("first", minutes=0.0)
    report = train(first)
    assert not any(name.startswith("accuracy/real/") for name in report.evaluation)
    plain = settings("plain", recipe="editor", pairs=(), minutes=0.0)
    # What begins with these weights, as a run or as a checkpoint, has learnt from the same fixes.
    for start_from in (first.out, first.out / "checkpoint"):
        later = replace(plain, out=first.out.with_name(f"after-{start_from.name}"), start_from=start_from)
        train(later)
        train(later)
        for run in (first, later):
            assert load_checkpoint(run.out / "checkpoint", "cpu").training.origins == ("school", "work")
    train(plain)
    assert load_checkpoint(plain.out / "checkpoint", "cpu").training.origins == ()


def test_the_rate_of_the_last_phase_falls_from_the_start() -> None:
    factors = [REAL.schedule.factor(i / 100) for i in range(2, 101)]
    assert factors[0] == pytest.approx(1.0)
    assert factors[-1] == 0.0
    assert factors == sorted(factors, reverse=True)
    for stage in REAL.stages:
        assert sum(share for _, share in stage.mixture.shares) == pytest.approx(1.0)
        assert stage.mixture.share("real") > 0
    assert REAL.stages[-1].mixture.kept_share == 1.0


def test_going_further_means_the_plateau_and_then_the_last_phase() -> None:
    names = [FURTHER.stage_at(i / 100).name for i in range(100)]
    assert names == ["edit"] * 60 + ["real"] * 15 + ["kept"] * 25
    assert [stage.mixture for stage in FURTHER.stages] == [
        EDITOR.stages[-1].mixture,
        *(stage.mixture for stage in REAL.stages),
    ]
    factors = [FURTHER.schedule.factor(i / 100) for i in range(101)]
    # The rate starts to fall where the last phase begins.
    assert set(factors[2:61]) == {1.0}
    assert factors[60:] == sorted(factors[60:], reverse=True)
    assert len(set(factors[60:])) == 41
