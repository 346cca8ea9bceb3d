"""The engine: what it promises about texts, whatever the network says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from redraft_model.calibration.logistic import Logistic, sigmoid
from redraft_model.complete.completer import N_LINES, Completer
from redraft_model.complete.holes import Holes
from redraft_model.complete.line_starts import BLOCK_WORDS, CLAUSE_WORDS
from redraft_model.complete.ranking import COMPLETION_FEATURES
from redraft_model.decode.beam import BeamResult, BeamSettings, Forward, Hole, search
from redraft_model.engine import LONGEST_SOURCE, Engine, EngineSettings
from redraft_model.errors import Cancelled, CheckpointError, PassageError
from redraft_model.fit.fitting import fit, hand_set_for_lines
from redraft_model.network.checkpoint import Checkpoint, Training, export_checkpoint, load_checkpoint
from redraft_model.network.transformer import Transformer
from redraft_model.passage import (
    About,
    Completion,
    DenoiseStep,
    Diagnosis,
    DiagnosisKind,
    Draft,
    Passage,
    Reading,
    Span,
    Watch,
)
from redraft_model.repair.ranking import REPAIR_FEATURES, RepairWeights
from redraft_model.repair.settings import Search
from redraft_model.text.parser import parses
from redraft_model.tokens.tokenizer import Tokenizer

CLEAN = """import math


def area(width, height):
    return width * height  # 名前 😀


def root(x):
    return math.sqrt(x)
"""
BROKEN = CLEAN.replace("height):", "height:").replace("sqrt(x)", "sqrt(x")
DEFAULT = EngineSettings()
BARELY = EngineSettings(search=Search(n_rounds=2, n_candidates=2, n_opened=2))
Knowing = Callable[..., Engine]


@pytest.fixture(scope="module")
def checkpoint(
    tokenizer: Tokenizer, wild_of: Callable[..., Transformer], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A checkpoint folder of a small network with random weights: it proposes anything."""
    network = wild_of(tokenizer.n_vocabulary, seed=3)
    # Texts with half a character are dropped, so its halves are unlikely.
    halves = [i for i in range(tokenizer.n_vocabulary) if "\ufffd" in tokenizer.decode([i])]
    network.embedding.weight[halves] = 0
    folder = tmp_path_factory.mktemp("checkpoints") / "wild"
    export_checkpoint(network, tokenizer, folder, Training(12, 3, 1, "none", actions=("repair", "complete")))
    return folder


@pytest.fixture(scope="module")
def wild(checkpoint: Path) -> Engine:
    """The engine on that checkpoint, in float32: in bfloat16 a batch rounds otherwise than each place alone."""
    cpu = torch.device("cpu")
    return Engine(load_checkpoint(checkpoint, cpu), cpu)


@pytest.fixture(scope="module")
def engine_of(tokenizer: Tokenizer, oracle_of: Callable[..., Transformer]) -> Knowing:
    """Makes an engine whose network knows one clean text."""

    def make(
        clean: str = CLEAN,
        settings: EngineSettings = DEFAULT,
        confidence: float = 0.95,
        *,
        ends_lines: bool = False,
    ) -> Engine:
        training = Training(0, 0, 0, "none", actions=("repair", "complete"))
        network = oracle_of(clean, confidence, ends_lines)
        checkpoint = Checkpoint(Path("oracle"), network, tokenizer, training)
        return Engine(checkpoint, torch.device("cpu"), settings)

    return make


def test_an_engine_says_what_it_runs(wild: Engine, checkpoint: Path, tokenizer: Tokenizer) -> None:
    n_parameters = wild._model.n_parameters
    assert wild.about == About(
        "wild",
        str(checkpoint),
        n_parameters,
        tokenizer.n_vocabulary,
        12,
        ("repair", "complete"),
        "cpu",
    )
    assert isinstance(wild.about.actions, tuple)


def test_a_device_is_found_by_itself(checkpoint: Path) -> None:
    assert Engine.load(checkpoint).about.device in ("cpu", "cuda")


@pytest.mark.parametrize("device", ["nonsense", "", "meta", "cuda:77", "privateuseone"])
def test_a_device_that_is_not_there_is_an_error_that_says_what_to_do(checkpoint: Path, device: str) -> None:
    with pytest.raises(CheckpointError, match="use --device cpu"):
        Engine.load(checkpoint, device)


def test_a_checkpoint_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="pass --checkpoint PATH"):
        Engine.load(tmp_path / "nowhere", "cpu")
    with pytest.raises(CheckpointError, match="another folder"):
        Engine.load(tmp_path, "cpu")


# Repair


def test_a_broken_text_is_repaired(engine_of: Knowing) -> None:
    draft = engine_of().repair(BROKEN)
    assert draft.text == CLEAN
    assert draft.parses
    assert draft.n_edits == 2
    assert 0 <= draft.confidence <= 1
    assert draft.cost.n_forward > 0
    assert draft.cost.n_tokens > 0
    assert draft.cost.seconds > 0


def test_the_confidence_of_a_calibrated_repair_is_the_product_over_its_problems(
    tokenizer: Tokenizer, oracle_of: Callable[..., Transformer]
) -> None:
    by_gain = RepairWeights(
        tuple(float(name == "gain") for name in REPAIR_FEATURES),
        Logistic(2.0, (0.0,) * (len(REPAIR_FEATURES) + 1)),
    )
    calibration = replace(fit([], []), repair=by_gain).calibration()
    network = oracle_of(CLEAN, 0.95)
    checkpoint = Checkpoint(Path("knowing"), network, tokenizer, Training(0, 0, 0, "none"), calibration)
    engine = Engine(checkpoint, torch.device("cpu"))
    assert engine.about.is_calibrated
    draft = engine.repair(BROKEN)
    assert draft.text == CLEAN
    assert draft.confidence == pytest.approx(sigmoid(2.0) ** 2)
    assert engine.repair(CLEAN).confidence == 0, "nothing was done"


def test_the_confidence_of_a_line_is_how_likely_the_calibration_calls_it(
    tokenizer: Tokenizer, oracle_of: Callable[..., Transformer]
) -> None:
    by_lead = Logistic(-1.0, (*(float(name == "lead") for name in COMPLETION_FEATURES), 0.0))
    before, rest, after = CLEAN.rpartition("(x)")
    drafts = []
    fitted = fit([], [])
    completion = replace(fitted.completion, likelihood=by_lead, ranking=hand_set_for_lines())
    for calibration in (None, replace(fitted, completion=completion).calibration()):
        network = oracle_of(CLEAN, 0.95)
        checkpoint = Checkpoint(Path("knowing"), network, tokenizer, Training(0, 0, 0, "none"), calibration)
        engine = Engine(checkpoint, torch.device("cpu"))
        drafts.append(engine.complete(Passage(before, "", after), single_line=True, n_drafts=3))
        features = dict(
            Completer(network, tokenizer, BeamSettings()).texts(Completion(Passage(before, "", after)))
        )
    plain, calibrated = drafts
    assert [draft.text for draft in calibrated] == [draft.text for draft in plain]
    assert calibrated[0].text == rest
    assert plain[0].confidence == pytest.approx(np.exp(features[rest].total)), "what the network itself says"
    assert 0.95**6 < plain[0].confidence < 0.95
    for draft in calibrated:
        assert draft.confidence == pytest.approx(sigmoid(features[draft.text].lead - 1.0))


def test_the_calibration_decides_which_line_comes_first(
    tokenizer: Tokenizer, oracle_of: Callable[..., Transformer]
) -> None:
    before, rest, after = CLEAN.partition(" width * height")
    firsts = []
    for sign in (1.0, -1.0):
        ranking = tuple(sign * (name == "total") for name in COMPLETION_FEATURES)
        fitted = fit([], [])
        completion = replace(fitted.completion, ranking=ranking)
        calibration = replace(fitted, completion=completion).calibration()
        checkpoint = Checkpoint(
            Path("knowing"), oracle_of(CLEAN, 0.5), tokenizer, Training(0, 0, 0, "none"), calibration
        )
        engine = Engine(checkpoint, torch.device("cpu"))
        drafts = engine.complete(Passage(before, "", after), single_line=True, n_drafts=99)
        scores = [draft.score for draft in drafts]
        assert scores == sorted(scores, reverse=sign > 0)
        assert len(scores) > 1
        firsts.append(drafts[0].text)
    assert firsts[0] == rest != firsts[1]


@pytest.mark.parametrize("source", ["", "\n", "# only comments\n# 名前", CLEAN, CLEAN.replace("\n", "\r\n")])
def test_a_text_that_parses_is_returned_as_it_is_without_a_look(wild: Engine, source: str) -> None:
    draft = wild.repair(source)
    assert (draft.text, draft.n_edits, draft.parses) == (source, 0, True)
    assert (draft.cost.n_forward, draft.cost.n_tokens) == (0, 0)


def test_a_text_with_carriage_returns_keeps_them(engine_of: Knowing) -> None:
    clean = CLEAN.replace("\n", "\r\n")
    assert engine_of(clean).repair(BROKEN.replace("\n", "\r\n")).text == clean


def test_what_cannot_be_repaired_is_returned_as_it_is(engine_of: Knowing) -> None:
    source = "x := = = 1 := = 2 := (\n"
    draft = engine_of(source, BARELY).repair(source)
    assert (draft.text, draft.n_edits, draft.parses) == (source, 0, False)
    assert draft.cost.n_forward > 0


def test_a_part_of_the_problems_may_be_repaired(engine_of: Knowing) -> None:
    rest = "\nx := = = 1 := = 2 := (\n"
    draft = engine_of(CLEAN + rest, BARELY).repair(CLEAN.replace("height):", "height:") + rest)
    assert draft.text == CLEAN + rest
    assert not draft.parses
    assert draft.n_edits == 1


def test_only_the_span_is_repaired(engine_of: Knowing) -> None:
    start = BROKEN.index("def root")
    draft = engine_of().repair(BROKEN, span=Span(0, start))
    assert draft.text == CLEAN[: CLEAN.index("def root")] + BROKEN[start:]
    assert not draft.parses


def test_whole_lines_are_repaired_without_touching_the_lines_beside_them(engine_of: Knowing) -> None:
    # The line break before a line and its indentation are one token, of which only the indentation is in the span.
    clean = "if x:\n    y = 1\n    z = 2\n    w = 3\n"
    source = "if x:\n    y = 1\n      z = 2\n    w = 3\n"
    start, end = source.index("      z"), source.index("    w")
    assert engine_of(clean).repair(source, span=Span(start, end)).text == clean


def test_a_comment_is_never_lost(engine_of: Knowing) -> None:
    source = "x = (1  # why\ny = 2\n"
    draft = engine_of("x = (1)\ny = 2\n").repair(source)
    assert "# why" in draft.text


def test_a_character_is_never_torn(engine_of: Knowing, wild: Engine) -> None:
    # A character of four bytes is several tokens, and deleting one of them leaves bytes that are no character.
    source = "s = '😀'😀\n"
    for engine in (engine_of("s = '😀'\n"), wild):
        assert "\ufffd" not in engine.repair(source).text
    for draft in wild.complete(Passage("s = '", "", "'\n"), n_drafts=4):
        assert "\ufffd" not in draft.text


def test_doubtful_code_is_edited_only_when_asked(engine_of: Knowing) -> None:
    source = CLEAN.replace("width * height", "width + height")
    assert engine_of().repair(source).text == source
    draft = engine_of().repair(source, semantic=True)
    assert (draft.text, draft.n_edits, draft.parses) == (CLEAN, 1, True)
    assert draft.score > 0
    assert engine_of().repair(source, semantic=True, span=Span(0, 20)).text == source


def test_broken_and_doubtful_code_is_repaired_and_edited_in_the_span(engine_of: Knowing) -> None:
    source = BROKEN.replace("width * height", "width + height")
    assert engine_of().repair(source, semantic=True).text == CLEAN
    only_first = source.replace("height:", "height):").replace("width + height", "width * height")
    draft = engine_of().repair(source, semantic=True, span=Span(0, source.index("def root")))
    assert draft.text in (only_first, source.replace("height:", "height):"))


@pytest.mark.parametrize("call", ["repair", "doubt", "complete", "rewrite"])
def test_a_text_that_cannot_be_worked_on_is_an_error(wild: Engine, call: str) -> None:
    for source, message in (("x" * (LONGEST_SOURCE + 1), "1,000,001"), ("x = '\ud800'", "offset 5")):
        is_whole = call in ("repair", "doubt")
        with pytest.raises(PassageError, match=message):
            getattr(wild, call)(source if is_whole else Passage(source[:6], "", source[6:]))


def test_a_merge_conflict_is_for_somebody_to_decide(wild: Engine) -> None:
    source = "x = 1\n<<<<<<< HEAD\ny = 1\n=======\ny = 2\n>>>>>>> other\n"
    with pytest.raises(PassageError, match="line 2 begins a merge conflict; choose one of its sides first"):
        wild.repair(source)
    with pytest.raises(
        PassageError, match="line 2 is left of a merge conflict; choose one of its sides first"
    ):
        wild.repair(source.rpartition(">>>>>>>")[0])
    quoted = f'TEXT = """\n{source}"""\n'
    assert wild.repair(quoted).text == quoted, "there it is data"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n\n%matplotlib inline\n", "line 3 is an IPython magic; remove it, or give the notebook"),
        ("$ pip install rich\n>>> import rich\n", "line 1 is a command for a shell; remove it"),
        ("```python\n!ls\n```\n", "line 2 is a command for a shell; remove it"),
        ("Do:\n\n```sh\nls\n```\n", "the code that begins in line 3 is sh, not Python; give Python"),
    ],
)
def test_lines_that_are_not_python_are_for_somebody_else(wild: Engine, source: str, message: str) -> None:
    with pytest.raises(PassageError, match=f"^{message}$"):
        wild.repair(source)
    quoted = f'TEXT = """\n{source}"""\n'
    assert wild.repair(quoted).text == quoted, "there it is data"


def test_a_pasted_text_is_read_as_what_it_is_before_any_search(wild: Engine) -> None:
    draft = wild.repair(">>> x = 1\n>>> x  # one\n1\n")
    assert (draft.text, draft.parses, draft.cost.n_forward) == ("x = 1\nx  # one\n", True, 0)
    assert draft.reading == Reading("a transcript of the interpreter", draft.text)
    assert wild.repair("x = 1\n").reading is None


def test_a_pasted_text_with_an_error_is_repaired_besides(engine_of: Knowing) -> None:
    lines = CLEAN.replace("height):", "height:").split("\n")[:-1]
    source = "".join(f"{number:>3}: {line}".rstrip() + "\n" for number, line in enumerate(lines, 1))
    draft = engine_of().repair(source)
    assert draft.text == CLEAN
    assert draft.reading is not None
    assert draft.reading.what == "code with line numbers"


def test_a_selection_is_not_read_as_more_than_it_is(wild: Engine) -> None:
    source = ">>> x = 1\n>>> x\n1\n"
    draft = wild.repair(source, span=Span(0, 10))
    assert draft.reading is None
    assert draft.text.endswith(source[10:])


# Doubt


def test_doubts_are_where_the_network_expects_something_else(engine_of: Knowing) -> None:
    source = CLEAN.replace("width * height", "width + height")
    (doubt,) = engine_of().doubt(source)
    assert (doubt.span.of(source), doubt.kind, doubt.proposal) == (" +", "substitute", " *")
    assert engine_of().doubt(source, threshold=1.0) == []
    assert engine_of().doubt(source, span=Span(0, 20)) == []
    assert engine_of().doubt("") == []


def test_doubts_of_any_network_are_in_order_and_inside_the_text(wild: Engine) -> None:
    found = wild.doubt(BROKEN)
    assert found
    spans = [doubt.span for doubt in found]
    assert spans == sorted(spans)
    assert spans[-1].end <= len(BROKEN)
    assert all(doubt.probability < 0.5 for doubt in found)
    assert {doubt.kind for doubt in found} <= {"substitute", "delete", "insert"}


# Complete


HOLES = [
    ("import math\n\n\ndef area(width, height):\n    return ", "\n"),
    ("", ""),
    ("x = ", ""),
    ("", "\nx = 1\n"),
    ("s = '😀", "'\n"),
    ("if x:\n", "    y = 1\n"),
    ("x = " + "1 + " * 3000, "1\n" * 3000),
]


@pytest.mark.parametrize(("before", "after"), HOLES)
@pytest.mark.parametrize("single_line", [False, True])
def test_drafts_are_distinct_texts_that_cost_something(
    wild: Engine, before: str, after: str, single_line: bool
) -> None:
    passage = Passage(before, "", after)
    drafts = wild.complete(passage, n_drafts=3, single_line=single_line)
    check_drafts(drafts, passage, 3)
    if single_line:
        assert not any("\n" in draft.text or "\r" in draft.text for draft in drafts)


def check_drafts(drafts: list[Draft], passage: Passage, n_drafts: int) -> None:
    assert len(drafts) <= n_drafts
    assert len({draft.text for draft in drafts}) == len(drafts)
    # A draft that ends is an answer more than its tokens; one that ran out of masks is not.
    lines = [draft for draft in drafts if "\n" not in draft.text]
    means = [draft.score / (draft.n_edits + (draft.n_edits < BeamSettings().n_masks)) for draft in lines]
    assert means == sorted(means, reverse=True)
    for draft in drafts:
        assert draft.text.strip()
        assert draft.parses == parses(passage.replaced(draft.text))
        assert 0 <= draft.confidence <= 1
        assert draft.n_edits > 0
        assert draft.cost.n_forward > 0
        assert draft.cost.n_tokens > 0
        assert draft.cost.seconds > 0


def test_the_same_seed_gives_the_same_distinct_drafts(wild: Engine) -> None:
    # In a comment anything may stand.
    passage = Passage("# ", "", "\n")
    runs = [wild.complete(passage, n_drafts=6, seed=seed) for seed in (1, 1, 2)]
    texts = [[draft.text for draft in drafts] for drafts in runs]
    assert texts[0] == texts[1] != texts[2]
    for drafts in runs:
        check_drafts(drafts, passage, 6)
        assert len(drafts) > 1


@pytest.mark.parametrize(
    ("hole", "single_line"),
    [(" * height  # 名前 😀", True), ("    return width * height  # 名前 😀", False)],
)
def test_a_hole_is_filled_with_what_the_network_knows(
    engine_of: Knowing, hole: str, single_line: bool
) -> None:
    before, after = CLEAN.split(hole)
    settings = EngineSettings(line=BeamSettings(n_masks=24))  # these characters are several tokens each
    for target in ("", "something to be replaced"):
        (draft,) = engine_of(settings=settings).complete(
            Passage(before, target, after), single_line=single_line
        )
        assert draft.text == hole
        assert draft.parses


def test_a_missing_line_is_as_deep_as_it_has_to_be(wild: Engine) -> None:
    # No line of this file is as deep as the one that is missing.
    hole = Holes(wild._tokenizer).of_line(Completion(Passage("def f(x):\n", "", "\n")), n_masks=8)[0]
    assert hole.openings is not None
    depths = [wild._tokenizer.decode([opening]) for opening in hole.openings.tolist()]
    assert depths
    assert all(depth.startswith(("\n ", "\n\t")) for depth in depths)
    before = "def f(x):\n    for y in x:\n        z(y)\n"
    for indent in ("", "    "):
        for draft in wild.complete(
            Passage(before + indent, "", "\n        return y\n"), single_line=True, n_drafts=9
        ):
            # The line below is deeper.
            assert (indent + draft.text).strip().split()[0].rstrip(":") in BLOCK_WORDS | CLAUSE_WORDS


def test_a_line_is_also_begun_with_a_name_that_needs_a_value(
    engine_of: Knowing, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Hole] = []

    def searching(forward: Forward, places: Sequence[Hole], *others: Any, **named: Any) -> list[BeamResult]:
        asked.extend(places)
        return search(forward, places, *others, **named)

    monkeypatch.setattr("redraft_model.decode.beam.search", searching)
    (draft,) = engine_of("def f(x):\n    total = x\n    return total\n").complete(
        Passage("def f(x):\n", "", "\n    return total\n"), single_line=True
    )
    assert draft.text == "    total = x"
    assert [tokenizer.decode(hole.forced_prefix) for hole in asked] == ["", "total ="]


BODY = "    total = x\n    total += 1\n    print(total)\n    return total"
BELOW = "\n\n\ny = f(1)\n"


def test_lines_below_are_written_as_long_as_they_belong_there(engine_of: Knowing) -> None:
    engine = engine_of(f"def f(x):\n{BODY}{BELOW}", ends_lines=True)
    steps: list[DenoiseStep] = []
    (draft,) = engine.complete(Passage("def f(x):\n", "", BELOW), watch=Watch(on_step=steps.append))
    assert (draft.text, draft.parses) == (BODY, True)
    assert 0.05 < draft.confidence < 0.95**12
    indices = [step.index for step in steps]
    assert indices == sorted(set(indices))
    assert any("    total = x\n    total +=" in step.text for step in steps), "lines above are shown as well"
    for start in ("    total", "    total = x\n    total"):
        (draft,) = engine.complete(Passage(f"def f(x):\n{start}", "", BELOW))
        assert draft.text == BODY.removeprefix(start)
    # What stands below is not written once more.
    below = f"\n    return total{BELOW}"
    (draft,) = engine.complete(Passage("def f(x):\n", "", below))
    assert draft.text == BODY.removesuffix("\n    return total")


@pytest.mark.parametrize(
    ("n_lines", "min_confidence", "text"),
    [
        (1, 0.05, "    total = x"),
        (3, 0.05, "    total = x\n    total += 1\n    print(total)"),
        (6, 0.5, "    total = x\n    total += 1"),
        (6, 1.0, "    total = x"),
    ],
)
def test_a_text_has_no_more_lines_than_are_likely_enough(
    engine_of: Knowing, monkeypatch: pytest.MonkeyPatch, n_lines: int, min_confidence: float, text: str
) -> None:
    monkeypatch.setattr("redraft_model.complete.completer.N_LINES", n_lines)
    engine = engine_of(f"def f(x):\n{BODY}{BELOW}", ends_lines=True)
    (draft,) = engine.complete(Passage("def f(x):\n", "", BELOW), min_confidence=min_confidence)
    assert draft.text == text


def test_code_behind_the_cursor_stays_on_its_line(engine_of: Knowing) -> None:
    engine = engine_of("x = (1 + 2)\ny = 3\nz = 4\n", ends_lines=True)
    (draft,) = engine.complete(Passage("x = (1", "", ")\n"))
    assert draft.text == " + 2"


def test_where_nothing_is_missing_there_is_no_draft(engine_of: Knowing) -> None:
    for at in (0, CLEAN.index(" * "), CLEAN.index("\n\ndef root"), len(CLEAN)):
        assert engine_of().complete(Passage(CLEAN[:at], "", CLEAN[at:])) == []


def test_a_batch_gives_every_place_what_it_gets_alone(wild: Engine) -> None:
    asked = [
        Completion(Passage("x = ", "", "\n"), 3, seed=1),
        Completion(Passage("", "", ""), 1),
        Completion(Passage("def f(a):\n    return ", "", "\n" + "y = 1\n" * 40), 2, seed=5),
    ]
    together = wild.complete_batch(asked)
    alone = [wild.complete(a.passage, n_drafts=a.n_drafts, seed=a.seed) for a in asked]
    assert [[d.text for d in drafts or []] for drafts in together] == [[d.text for d in ds] for ds in alone]
    assert any(together)


def test_a_place_nobody_waits_for_leaves_the_batch_alone(wild: Engine) -> None:
    asked = [Completion(Passage(before, "", "\n")) for before in ("x = ", "y = ", "z = ")]
    polls = iter([False, True])
    steps: list[DenoiseStep] = []
    watches = [Watch(), Watch(is_cancelled=polls.__next__, on_step=steps.append), Watch()]
    drafts = wild.complete_batch(asked, single_line=True, watches=watches)
    assert drafts[1] is None
    assert len(steps) == 1
    for i in (0, 2):
        alone = wild.complete(asked[i].passage, single_line=True)
        assert [draft.text for draft in drafts[i] or []] == [draft.text for draft in alone]


# Rewrite


def test_a_target_that_does_not_parse_is_repaired_and_nothing_else(engine_of: Knowing) -> None:
    start, end = BROKEN.index("def area"), BROKEN.index("\n\n\ndef root")
    source = BROKEN.replace("sqrt(x", "sqrt(x)")
    (draft,) = engine_of().rewrite(Passage.cut(source, Span(start, end)))
    assert source[:start] + draft.text + source[end:] == CLEAN
    assert draft.parses


@pytest.mark.parametrize("begin", ["return width", "    return width", "def area"])
def test_a_target_that_parses_is_denoised(engine_of: Knowing, begin: str) -> None:
    source = CLEAN.replace("width * height", "width + height")
    start, end = source.index(begin), source.index("\n\n\ndef root")
    steps: list[DenoiseStep] = []
    (draft,) = engine_of().rewrite(Passage.cut(source, Span(start, end)), watch=Watch(on_step=steps.append))
    assert source[:start] + draft.text + source[end:] == CLEAN
    assert draft.parses
    assert draft.n_edits == 1
    assert draft.cost.n_forward > 0
    assert draft.cost.n_tokens > 0
    assert steps[-1].text == CLEAN


def test_a_target_the_network_expects_has_no_drafts(engine_of: Knowing) -> None:
    assert engine_of().rewrite(Passage.cut(CLEAN, Span(14, 60))) == []
    assert engine_of().rewrite(Passage.cut(CLEAN, Span(0, len(CLEAN)))) == []


def test_drafts_of_a_wild_network_still_parse_and_are_distinct(wild: Engine) -> None:
    passage = Passage.cut(CLEAN, Span(14, len(CLEAN)))
    for seed in range(3):
        drafts = wild.rewrite(passage, n_drafts=4, seed=seed)
        assert len({draft.text for draft in drafts}) == len(drafts)
        for draft in drafts:
            assert draft.text != passage.target
            assert parses(passage.replaced(draft.text))


def test_rewriting_can_mean_completing(wild: Engine) -> None:
    passage = Passage("x = ", "", "\n")
    texts = [draft.text for draft in wild.rewrite(passage, action="complete", n_drafts=2, seed=5)]
    assert texts == [draft.text for draft in wild.complete(passage, n_drafts=2, seed=5)]


def test_an_action_that_was_not_learnt_is_an_error_that_lists_those_that_were(wild: Engine) -> None:
    for action in ("types", "docs", "", "repair "):
        with pytest.raises(PassageError, match=r"choose one of repair, complete$"):
            wild.rewrite(Passage("", "x = 1", ""), action=action)


def test_a_target_that_does_not_fit_is_an_error(wild: Engine) -> None:
    with pytest.raises(PassageError, match="select less"):
        wild.rewrite(Passage("", "x = 1\n" * 300, ""))


# Watch


def calls(engine: Engine) -> Iterator[tuple[str, Callable[[Watch], object]]]:
    doubtful = CLEAN.replace("width * height", "width + height")
    before, after = CLEAN.split(" width * height")
    function = Span(doubtful.index("def area"), doubtful.index("\n\n\ndef root"))
    yield "repair", lambda watch: engine.repair(BROKEN, watch=watch)
    yield "semantic", lambda watch: engine.repair(doubtful, semantic=True, watch=watch)
    yield "complete", lambda watch: engine.complete(Passage(before, "", after), n_drafts=2, watch=watch)
    yield "rewrite", lambda watch: engine.rewrite(Passage.cut(doubtful, function), n_drafts=2, watch=watch)
    yield "doubt", lambda watch: engine.doubt(BROKEN, watch=watch)


def test_every_call_can_be_cancelled(engine_of: Knowing) -> None:
    for name, call in calls(engine_of()):
        # A text of one window is doubted in one look, and a rewrite with one error may be done after one step.
        for n in range(1 if name in ("doubt", "rewrite") else 3):
            polls = iter([False] * n + [True])
            with pytest.raises(Cancelled):
                call(Watch(is_cancelled=polls.__next__))


def test_steps_are_told_within_their_limit(wild: Engine, engine_of: Knowing) -> None:
    for engine in (wild, engine_of()):
        for name, call in calls(engine):
            steps: list[DenoiseStep] = []
            call(Watch(on_step=steps.append))
            assert all(1 <= step.index <= step.limit for step in steps)
            if name in ("repair", "complete"):
                assert steps


def test_a_completion_takes_at_most_as_many_steps_as_it_has_masks(wild: Engine) -> None:
    n_masks = BeamSettings().n_masks + 1
    for single_line, limit in ((True, n_masks), (False, n_masks * N_LINES)):
        steps: list[DenoiseStep] = []
        wild.complete(Passage("x = ", "", "\n"), single_line=single_line, watch=Watch(on_step=steps.append))
        assert 0 < len(steps) <= limit
        assert {step.limit for step in steps} == {limit}


def test_what_a_tool_has_found_is_put_right_where_the_text_compiles(wild: Engine) -> None:
    source = "def f(path):\n    records = path\n    return recrods\n"
    at = source.index("recrods")
    diagnosis = Diagnosis(Span(at, at + 7), DiagnosisKind.UNDEFINED)
    bundled = Engine.load(device="cpu")
    draft = bundled.correct(source, [diagnosis])
    assert draft.text == source.replace("recrods", "records")
    assert (draft.n_edits, draft.corrected, draft.parses) == (1, (diagnosis,), True)
    assert 0.8 < draft.confidence < 1
    assert bundled.correct(source + "(", [diagnosis]).text == source + "("
    late = bundled.correct(source, [diagnosis], watch=Watch(is_late=lambda: True))
    assert (late.text, late.confidence, late.corrected) == (source, 0.0, ())
    # Without a calibration nobody knows how likely a word is right.
    assert wild.correct(source, [diagnosis]).text == source
    with pytest.raises(Cancelled):
        bundled.correct(source, [diagnosis], watch=Watch(is_cancelled=lambda: True))


def test_newer_syntax_around_a_diagnosed_word_stays() -> None:
    source = 'type Name = str\ndef f(path):\n    records = path\n    return recrods + f"{path + "x"}"\n'
    at = source.index("recrods")
    draft = Engine.load(device="cpu").correct(source, [Diagnosis(Span(at, at + 7), DiagnosisKind.UNDEFINED)])
    assert draft.text == source.replace("recrods", "records")
