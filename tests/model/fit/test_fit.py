"""The calibration: its file, the choice among solutions, and weights that find what they were told."""

import ast
import json
import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from redraft_model.calibration.logistic import Logistic, logit_share, sigmoid, weighted
from redraft_model.calibration.weights import FILE, load_calibration
from redraft_model.complete.completer import Completer
from redraft_model.complete.ranking import COMPLETION_FEATURES, CompletionFeatures, CompletionWeights
from redraft_model.complete.retrieval import RETRIEVAL_FEATURES
from redraft_model.data.shards import Shards
from redraft_model.decode.proposer import Proposer
from redraft_model.engine import EngineSettings
from redraft_model.errors import CheckpointError
from redraft_model.feature_weights import FeatureWeights
from redraft_model.fit.fitting import (
    fit,
    fit_interpolation,
    fit_line_ranking,
    fit_logistic,
    fit_ranking,
    fit_words,
    hand_set,
    hand_set_for_lines,
)
from redraft_model.fit.gathering import (
    JudgedEdit,
    JudgedSolution,
    JudgedText,
    JudgedWindow,
    JudgedWord,
    LineExample,
    RetrievalExample,
    SearchExample,
    SweepExample,
    TimeBox,
    likeness,
    lines,
    retrievals,
    searches,
    sweeps,
)
from redraft_model.fit.judging import Prediction, bins, brier, brier_of_the_mean, judge
from redraft_model.fit.pieces import LONGEST_FILE, Piece, cursor, function, function_in_file, pieces
from redraft_model.misuse.ranking import (
    GROUPS,
    LABEL_EDIT_FEATURES,
    MISUSE_FEATURES,
    LabelEditFeatures,
    MisuseFeatures,
    MisuseWeights,
    word_shares,
)
from redraft_model.misuse.sweep import Sweep
from redraft_model.network.transformer import Transformer
from redraft_model.repair.ranking import REPAIR_FEATURES, RepairFeatures, RepairWeights
from redraft_model.repair.search import repair
from redraft_model.repair.settings import Search
from redraft_model.repair.solutions import Solution
from redraft_model.text.diff import n_lost
from redraft_model.text.identifiers import n_unknown_identifiers, names
from redraft_model.text.parser import parses
from redraft_model.tokens.tokenizer import Tokenizer

PLAIN = RepairFeatures(0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
DOUBT = LabelEditFeatures(0, -0.1, 0, 1, 0)
WORD = MisuseFeatures("name", **dict.fromkeys(MISUSE_FEATURES, 0.0))
LINE = CompletionFeatures(-0.1, -0.4, 0.2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
FLAT = FeatureWeights(
    RepairWeights(
        ranking=tuple(i / 8 for i in range(len(REPAIR_FEATURES))),
        likelihood=Logistic(0.5, tuple(i / 64 for i in range(len(REPAIR_FEATURES) + 1))),
    ),
    MisuseWeights(
        words={
            group: Logistic(-3.0 - n, tuple(i / 64 for i in range(len(MISUSE_FEATURES))))
            for n, group in enumerate(GROUPS)
        },
        label_edit=Logistic(-1.0, tuple(i / 32 for i in range(len(LABEL_EDIT_FEATURES)))),
        threshold=0.75,
    ),
    CompletionWeights(
        ranking=tuple(i / 4 for i in range(len(COMPLETION_FEATURES))),
        likelihood=Logistic(-2.0, tuple(i / 16 for i in range(len(COMPLETION_FEATURES) + 1))),
        interpolation=Logistic(-1.0, tuple(i / 8 for i in range(len(RETRIEVAL_FEATURES)))),
    ),
)


def loaded(folder: Path) -> FeatureWeights:
    calibration = load_calibration(folder)
    assert calibration is not None
    return FeatureWeights.of(calibration)


def by(**weights: float) -> tuple[float, ...]:
    """Weights of REPAIR_FEATURES by name, the others 0."""
    return tuple(weights.get(name, 0.0) for name in REPAIR_FEATURES)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    FLAT.calibration().save(tmp_path)
    assert loaded(tmp_path) == FLAT


def test_the_calibration_of_another_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"tokens": 1, "steps": 2}')
    FLAT.calibration().save(tmp_path)
    (tmp_path / "config.json").write_text('{"steps": 2,\n"tokens": 1}\n')
    assert loaded(tmp_path) == FLAT, "the order of the entries does not matter"
    (tmp_path / "config.json").write_text('{"tokens": 3, "steps": 2}')
    with pytest.raises(CheckpointError, match="belongs to another network"):
        load_calibration(tmp_path)


def test_no_file_is_no_calibration(tmp_path: Path) -> None:
    assert load_calibration(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: data | {"format": 2}, "is not of format 12"),
        (lambda data: data | {"repair": data["repair"] | {"ranking": {}}}, "'gain'"),
        (lambda data: data | {"misuse": data["misuse"] | {"threshold": "high"}}, "'high' is no number"),
        (
            lambda data: (
                data
                | {
                    "repair": data["repair"]
                    | {"likelihood": data["repair"]["likelihood"] | {"bias": math.nan}}
                }
            ),
            "nan is no number",
        ),
        (lambda data: data | {"misuse": [1.0]}, "wrong one"),
        (lambda data: {name: data[name] for name in data if name != "completion"}, "'completion'"),
        (lambda _: [], "is not of format 12"),
    ],
)
def test_a_file_that_cannot_be_used_says_so(
    tmp_path: Path, change: Callable[..., object], complaint: str
) -> None:
    path = FLAT.calibration().save(tmp_path)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(CheckpointError, match=complaint) as raised:
        loaded(tmp_path)
    assert str(tmp_path / FILE) in str(raised.value)


def test_half_a_file_says_so(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"format"')
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_calibration(tmp_path)


def test_the_solution_with_the_highest_score_is_best() -> None:
    weights = RepairWeights(by(gain=1.0, words_lost=-5.0), Logistic(0, (*by(), 1.0)))
    dear = replace(PLAIN, gain=3, words_lost=1)
    best, share = weights.best([dear, PLAIN])
    assert best == 1
    assert share == pytest.approx(2.0), "the share's logit is the lead, here 2 nats"
    assert weights.probability(PLAIN, share) == pytest.approx(sigmoid(2.0))
    assert weights.best([dear])[0] == 0


def test_a_share_of_two_equals_is_a_half_and_never_infinite() -> None:
    assert logit_share([1.0, 1.0], 0) == pytest.approx(0.0)
    assert logit_share([1e6, 0.0], 0) == -logit_share([1e6, 0.0], 1) == logit_share([5.0], 0)


def test_lost_counts_words_and_signs() -> None:
    assert n_lost("float(input()", "float(input)") == (0, 1)
    assert n_lost("(f - 32)5/9", "(f - 32)/9") == (1, 0)
    assert n_lost("a", "a b") == (0, 0)


def test_a_name_is_coined_if_neither_the_text_nor_python_knows_it() -> None:
    known = names("F = (float(input())")
    assert n_unknown_identifiers(known, "F = maxfloat(input())") == 1
    assert n_unknown_identifiers(known, "F = float(input(0x1))") == 0
    assert n_unknown_identifiers(known, "for input in F: pass") == 0, "Python's own words come from nowhere"
    assert n_unknown_identifiers(known, "größe = größe + 1") == 1, "each name counts once"


def test_a_ranking_finds_the_feature_that_tells_right_from_wrong() -> None:
    rng = Random(0)
    searched = []
    for file in range(60):
        right = JudgedSolution(0.0, replace(PLAIN, gain=rng.random(), words_lost=rng.choice([0, 0, 1])), True)
        wrong = JudgedSolution(9.0, replace(PLAIN, gain=rng.random(), words_lost=2), False)
        searched.append(SearchExample(file, (wrong, right)))
    ranking = dict(zip(REPAIR_FEATURES, fit_ranking(searched, REPAIR_FEATURES), strict=True))
    assert ranking["words_lost"] < -1
    assert abs(ranking["gain"]) < abs(ranking["words_lost"])
    assert ranking["edits"] == pytest.approx(0, abs=1e-6), "what never changes tells nothing"
    verdict = judge(searched, [])
    assert (verdict.n_before, verdict.n_after) == (0, 60)
    assert brier(verdict.repairs) < 0.05


def test_the_order_of_solutions_is_drawn_towards_the_one_that_was_set_by_hand() -> None:
    by_hand = hand_set(Search())
    assert fit([], []).repair.ranking == pytest.approx(by_hand), "nothing says otherwise"
    rng = Random(7)

    def searched(n: int) -> list[SearchExample]:
        pairs = []
        for file in range(n):
            right = JudgedSolution(0.0, replace(PLAIN, gain=rng.uniform(0.5, 2.5), words_lost=0), True)
            wrong = JudgedSolution(
                0.0, replace(PLAIN, gain=rng.uniform(0, 2), words_lost=rng.randrange(2)), False
            )
            pairs.append(SearchExample(file, (wrong, right)))
        return pairs

    few, many = (
        dict(zip(REPAIR_FEATURES, fit(searched(n), []).repair.ranking, strict=True)) for n in (20, 400)
    )
    assert many["words_lost"] < few["words_lost"] < 0
    for ranking in (few, many):
        assert ranking["edits"] / ranking["parses"] == pytest.approx(
            -Search().edit_cost / Search().parse_gain, rel=1e-3
        ), "what never changes keeps its share"


def test_what_leaves_a_problem_says_nothing_of_how_likely_repairs_are() -> None:
    rng = Random(4)
    whole = [
        SearchExample(file, (JudgedSolution(1.0, replace(PLAIN, gain=rng.random()), rng.random() < 0.8),))
        for file in range(60)
    ]
    halves = [
        SearchExample(file, (JudgedSolution(1.0, replace(PLAIN, parses=0.0), False),))
        for file in range(60, 90)
    ]
    repair = fit([*whole, *halves], []).repair.likelihood
    assert dict(zip(REPAIR_FEATURES, repair.weights, strict=False))["parses"] == pytest.approx(0, abs=1e-6)
    assert repair.bias == pytest.approx(fit(whole, []).repair.likelihood.bias)


def test_a_logistic_fit_gives_back_the_probabilities() -> None:
    rng = Random(1)
    true = Logistic(-1.0, (2.0, 0.0))
    values = [(rng.gauss(0, 1), rng.gauss(5, 3)) for _ in range(4000)]
    found = fit_logistic(values, [rng.random() < true(each) for each in values])
    assert found((0.0, 5.0)) == pytest.approx(true((0.0, 5.0)), abs=0.04)
    assert found((2.0, 5.0)) == pytest.approx(true((2.0, 5.0)), abs=0.04)


def test_nothing_gathered_gives_a_calibration_that_knows_nothing() -> None:
    weights = fit([], []).repair
    assert weights.best([PLAIN])[0] == 0
    assert weights.probability(PLAIN, 0.0) == 0.5
    assert judge([], []).repairs == ()


def test_the_sweep_may_change_few_clean_pieces() -> None:
    rng = Random(2)
    swept = []
    for file in range(400):
        is_worse = rng.random() < 0.5
        edits = [JudgedEdit(replace(DOUBT, improvement=rng.gauss(2.0, 2.0)), False) for _ in range(3)]
        if is_worse:
            edits.append(JudgedEdit(replace(DOUBT, improvement=rng.gauss(8.0, 2.0)), rng.random() < 0.9))
        swept.append(SweepExample(file, is_worse, (JudgedWindow((), tuple(edits)),)))
    verdict = judge([], swept)
    assert verdict.n_clean_changed <= 0.05 * verdict.n_clean
    assert 0 < verdict.n_undone < verdict.n_corrupted


def test_of_the_words_for_all_slots_the_right_one_has_the_largest_share() -> None:
    rng = Random(5)
    swept = []
    for file in range(300):
        is_worse = rng.random() < 0.5
        words = [
            JudgedWord(replace(WORD, lead=rng.gauss(-2, 2), new_unread=float(rng.random() < 0.1)), False)
            for _ in range(20)
        ]
        if is_worse:
            words.append(JudgedWord(replace(WORD, lead=rng.gauss(3, 1), new_unread=1.0), True))
        swept.append(SweepExample(file, is_worse, (JudgedWindow((), ()), JudgedWindow((tuple(words),), ()))))
    verdict = judge([], swept)
    assert verdict.n_clean_changed <= 0.05 * verdict.n_clean
    assert verdict.n_undone > 0.45 * verdict.n_corrupted
    words = fit([], swept).misuse.words
    weights = dict(zip(MISUSE_FEATURES, words["name"].weights, strict=True))
    assert weights["lead"] > 0.5
    assert weights["new_unread"] > 1
    assert weights["old_like"] == pytest.approx(0, abs=1e-6), "what never changes tells nothing"
    shares = word_shares(words, [replace(WORD, lead=3, new_unread=1), WORD, replace(WORD, lead=-3)])
    assert shares[0] > 0.7
    assert sum(shares) < 1, "the rest is for nothing being wrong"


def test_words_of_one_group_have_weights_of_their_own() -> None:
    rng = Random(6)
    swept = []
    for file in range(400):
        words = [JudgedWord(replace(WORD, new_unread=float(rng.random() < 0.3)), False) for _ in range(6)]
        # Of a name an unread one is right, of a name from nowhere one that is read.
        unknown = [replace(WORD, group="unknown", new_unread=float(rng.random() < 0.3)) for _ in range(6)]
        kind = rng.choice(["clean", "name", "unknown"])
        words += [
            JudgedWord(word, kind == "unknown" and not word.new_unread and i == 0)
            for i, word in enumerate(unknown)
        ]
        words += [JudgedWord(replace(WORD, new_unread=1.0, lead=3), True)] if kind == "name" else []
        swept.append(SweepExample(file, kind != "clean", (JudgedWindow((tuple(words),), ()),)))
    weights = fit_words(swept)
    at = MISUSE_FEATURES.index("new_unread")
    assert weights["name"].weights[at] > 0.2
    assert weights["unknown"].weights[at] < -0.2
    assert weights["sign"].score(WORD.values()) == pytest.approx(0.0, abs=1e-3), "nobody knows"


def test_words_whose_slots_are_all_right_leave_everything_to_that() -> None:
    clean = [
        SweepExample(file, False, (JudgedWindow(((JudgedWord(WORD, False),) * 3,), ()),))
        for file in range(50)
    ]
    assert max(word_shares(fit_words(clean), [WORD] * 3)) < 0.03
    level = {"name": Logistic(0.0, (0.0,) * len(MISUSE_FEATURES))}
    assert word_shares(level, [WORD] * 3) == pytest.approx([0.25] * 3)
    far = {"name": Logistic(2000.0, (0.0,) * len(MISUSE_FEATURES))}
    assert word_shares(far, [WORD] * 2) == pytest.approx([0.5] * 2)
    assert word_shares(far, []) == []


def test_bins_and_brier() -> None:
    judged = [Prediction(0.9, True), Prediction(1.0, False), Prediction(0.1, False)]
    assert bins(judged) == [(0.1, 0, 1), (0.95, 1, 2)]
    assert brier(judged) == pytest.approx((0.01 + 1 + 0.01) / 3)
    assert brier_of_the_mean(judged) == pytest.approx((4 / 9 + 1 / 9 + 1 / 9) / 3)
    assert brier([]) == brier_of_the_mean([]) == 0


def test_the_likelihood_of_lines_is_found_from_how_sure_the_network_was() -> None:
    rng = Random(3)
    completed = []
    for file in range(600):
        sure = replace(LINE, mean=-rng.random())
        sure = replace(sure, total=4 * sure.mean)
        completed.append(LineExample(file, (JudgedText(sure.mean, sure, rng.random() < 1 + sure.mean, 1.0),)))
    verdict = judge([], [], completed)
    assert len(verdict.lines) == verdict.n_lines == 600
    assert brier(verdict.lines) < 0.9 * brier_of_the_mean(verdict.lines)
    weights = fit([], [], completed).completion
    ((_, likely),) = weights.judged([LINE])
    assert likely > 0.7
    ((_, likely),) = weights.judged([replace(LINE, mean=-0.9, total=-3.6)])
    assert likely < 0.3


def test_lines_are_put_into_an_order_by_what_tells_right_from_wrong() -> None:
    rng = Random(4)
    completed = []
    for file in range(80):
        # The right text is less likely to the network, but gives a value to a name that needs one.
        right = JudgedText(-0.9, replace(LINE, mean=-0.9, binds=1), True, 1.0)
        wrong = [
            JudgedText(-rng.random() / 2, replace(LINE, mean=-rng.random() / 2), False, 0.3) for _ in range(4)
        ]
        completed.append(LineExample(file, (*wrong, right)))
        completed.append(LineExample(file, tuple(wrong)))
    verdict = judge([], [], completed)
    assert (verdict.n_lines, verdict.n_lines_found) == (160, 80)
    assert (verdict.n_lines_before, verdict.n_lines_after) == (0, 80)
    assert brier(verdict.lines) < 0.1 < brier_of_the_mean(verdict.lines)
    weights = fit([], [], completed).completion
    wrong_one, right_one = weights.judged([LINE, replace(LINE, mean=-0.9, binds=1)])
    assert right_one > wrong_one
    assert right_one[1] > 0.8
    assert wrong_one[1] < 0.2
    by_mean = tuple(float(name == "mean") for name in COMPLETION_FEATURES)
    assert judge([], [], completed, line_ranking=by_mean).n_lines_after == 0
    assert (
        fit([], [], completed, line_ranking=hand_set_for_lines()).completion.ranking == hand_set_for_lines()
    )


def test_where_the_right_line_is_missing_the_next_best_one_tells_of_the_order() -> None:
    alike = JudgedText(-0.9, replace(LINE, mean=-0.9, binds=1), False, 0.6)
    other = JudgedText(-0.1, LINE, False, 0.5)
    completed = [LineExample(file, (other, alike)) for file in range(40)]
    weights = dict(zip(COMPLETION_FEATURES, fit_line_ranking(completed, penalty=4.0), strict=True))
    assert weights["binds"] > 0.5
    assert weighted(tuple(weights.values()), alike.features.values()) > weighted(
        tuple(weights.values()), other.features.values()
    )
    # Nothing is learnt where none of them is any good, or one is as good as the other.
    for a, b in ((0.4, 0.3), (0.6, 0.6)):
        useless = [LineExample(0, (replace(other, likeness=a), replace(alike, likeness=b)))]
        assert fit_line_ranking(useless) == pytest.approx(hand_set_for_lines())


def test_likeness_is_the_share_of_words_and_signs_in_common() -> None:
    assert likeness("x = f(1)", "x=f( 1 )") == 1.0
    assert likeness("total = 0", "total = 1") == pytest.approx(2 / 3)
    assert likeness("break", "total = 1") == 0.0
    assert likeness("", "") == 1.0


def test_a_cursor_stands_before_the_rest_of_a_line() -> None:
    code = "def area(width):\n\n    size = width * 2\n    return size\n"
    n_open = n_inside = n_whole = n_indented = 0
    for seed in range(300):
        found = cursor(Piece(0, code), Random(seed))
        assert found is not None
        passage, rest = found
        assert rest
        whole = passage.replaced(rest)
        n_open += whole != code
        n_inside += passage.before[-1:].isalnum()
        n_whole += not passage.before.rpartition("\n")[2].strip()
        n_indented += rest.startswith("    ")
        assert code.startswith(whole.rstrip("\n"))
        assert passage.after.startswith("\n")
    assert 90 < n_open < 210
    assert 40 < n_inside < 150
    assert 140 < n_whole < 230
    assert 40 < n_indented < 110
    assert cursor(Piece(0, "\n  \n"), Random(0)) is None


def test_a_cursor_in_a_piece_of_a_file_has_the_file_around_it() -> None:
    piece = Piece(0, "def area(width):\n    return width\n", "class A:\n", "b = A()\n", "    ")
    n_open = 0
    for seed in range(50):
        found = cursor(piece, Random(seed))
        assert found is not None
        passage, rest = found
        assert passage.before.startswith(piece.before)
        assert passage.after.endswith("\n" + piece.after)
        n_open += passage.replaced(rest) != piece.text(piece.code)
        assert passage.before.removeprefix(piece.before) in textwrap.indent(piece.code, piece.indent)
    assert 10 < n_open < 30


def test_pieces_parse_and_come_from_their_files(shards: Shards, tokenizer: Tokenizer) -> None:
    stream = pieces(shards, tokenizer, Random(0))
    found = [next(stream) for _ in range(30)]
    assert len({piece.file for piece in found}) > 1
    for piece in found:
        assert parses(piece.code)
        source = tokenizer.decode(shards.file_tokens(piece.file))
        assert piece.code.strip().split("\n")[0] in source
        assert 2 <= piece.code.count("\n") <= 60


def test_functions_are_whole_and_as_they_stand(shards: Shards, tokenizer: Tokenizer) -> None:
    stream = pieces(shards, tokenizer, Random(0), function)
    for piece in [next(stream) for _ in range(20)]:
        (node,) = ast.parse(piece.code).body
        assert isinstance(node, ast.FunctionDef)
        assert node.name in tokenizer.decode(shards.file_tokens(piece.file))


def test_functions_are_shown_in_their_files(shards: Shards, tokenizer: Tokenizer) -> None:
    stream = pieces(shards, tokenizer, Random(0), function_in_file)
    for piece in [next(stream) for _ in range(20)]:
        assert isinstance(ast.parse(piece.code).body[0], ast.FunctionDef)
        assert piece.text(piece.code) == tokenizer.decode(shards.file_tokens(piece.file))
        longer = piece.code + "pass\n"
        within, text = piece.within(longer), piece.text(longer)
        assert within is not None
        assert textwrap.dedent(within.of(text)) == longer


def test_a_function_whose_string_starts_further_left_is_not_shown_in_its_file() -> None:
    source = 'class A:\n    def f(self):\n        a = """\n  b\n"""\n        return a\n'
    assert function(0, source, Random(0)) is None
    assert function_in_file(0, source, Random(0)) is None
    assert (
        function_in_file(0, source.replace("  b", "          b").replace('\n"""', '"""'), Random(0))
        is not None
    )
    assert function_in_file(0, "def f():\n    return 1\n" + "a = 1\n" * LONGEST_FILE, Random(0)) is None


CLEAN = "def area(width, height):\n    size = (width + 1) * height\n    return size\n"


def test_who_knows_the_text_finds_the_right_solution(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    def make() -> Proposer:
        return Proposer(oracle_of(CLEAN), tokenizer)

    stream = iter([Piece(i, CLEAN) for i in range(6)])
    searched = searches(make, stream, Search(), Random(0), TimeBox(60))
    files = [search.file for search in searched]
    # Those whose first search leaves another problem say nothing.
    assert len(files) >= 3
    assert files == sorted(set(files) & set(range(6)))
    ranking = hand_set(Search())
    for search in searched:
        for found in search.solutions:
            assert weighted(ranking, found.features.values()) == pytest.approx(found.score)
    # What was lost altogether, an oracle of labels does not always write again.
    best = [max(search.solutions, key=lambda found: found.score) for search in searched]
    assert sum(found.is_right for found in best) > len(best) / 2
    swept = sweeps(make, iter([Piece(i, CLEAN) for i in range(24)]), Sweep(), Random(0), TimeBox(60))
    assert any(each.is_worse for each in swept)
    undone = [
        each
        for each in swept
        if any(word.is_right for seen in each.windows for words in seen.words for word in words)
    ]
    assert undone
    assert all(each.is_worse for each in undone)
    fronts = [
        word.features.front
        for each in undone
        for seen in each.windows
        for words in seen.words
        for word in words
        if word.is_right
    ]
    assert min(fronts) >= 0
    assert max(fronts) > 0, "the network knows the right one, unless it begins as the wrong one does"


def test_what_is_no_slot_is_left_to_the_labels(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    counting = "total += 1\n"

    def make() -> Proposer:
        return Proposer(oracle_of(counting), tokenizer)

    stream = iter([Piece(i, counting) for i in range(30)])
    swept = sweeps(make, stream, Sweep(), Random(0), TimeBox(60))
    by_labels = [
        each
        for each in swept
        if any(edit.is_right for seen in each.windows for edit in seen.edits)
        and not any(word.is_right for seen in each.windows for words in seen.words for word in words)
    ]
    assert by_labels, "another operator before the equals sign"
    assert all(each.is_worse for each in by_labels)


def test_a_function_is_worsened_and_looked_at_within_its_file(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    before = "import a\n\n\nclass Shape:\n"
    indented = textwrap.indent(CLEAN, "    ")

    def make() -> Proposer:
        return Proposer(oracle_of(before + indented + "b = a\n"), tokenizer)

    pieces = iter([Piece(i, CLEAN, before, "b = a\n", "    ") for i in range(12)])
    swept = sweeps(make, pieces, Sweep(), Random(0), TimeBox(60))
    undone = [
        each
        for each in swept
        if any(word.is_right for seen in each.windows for words in seen.words for word in words)
    ]
    assert undone
    assert all(each.is_worse for each in undone)
    assert any(not each.is_worse for each in swept)


def test_who_knows_the_text_writes_the_right_line(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    settings = EngineSettings()
    completer = Completer(oracle_of(CLEAN), tokenizer, settings.line)
    completed = lines(completer, iter([Piece(i, CLEAN) for i in range(30)]), Random(0), TimeBox(60))
    assert len(completed) > 20
    # Not all: the clean text says nothing of a line whose end is the text's, or that breaks off inside a token.
    right = [text for each in completed for text in each.solutions[:1] if text.is_right]
    assert len(right) > 4
    for text in right:
        # A line break that is the only possible one is certain; beginnings that were tried may have been anything but.
        assert text.features.mean == text.score < np.log(0.95) / 2
    assert sum(text.score == pytest.approx(np.log(0.95), abs=0.015) for text in right) > 4
    assert lines(completer, iter([Piece(0, CLEAN)]), Random(0), TimeBox(0)) == []


def test_what_is_recalled_is_trusted_where_it_is_right_more_often_than_the_network() -> None:
    # Places agree on the right token; a lone one is wrong.
    rng = Random(0)
    remembered = [
        RetrievalExample(i, (1.0, 1.0, 1.0, 0.0, p), p, 1.0)
        if i % 2
        else RetrievalExample(i, (1.0, 0.0, 1.0, 1.0, p), p, 0.0)
        for i in range(200)
        for p in (rng.random(),)
    ]
    interpolation = fit_interpolation(remembered)
    assert interpolation((1.0, 1.0, 1.0, 0.0, 0.5)) > 0.8
    assert interpolation((1.0, 0.0, 1.0, 1.0, 0.5)) < 0.2
    assert fit_interpolation([])((1.0, 1.0, 1.0, 0.0, 0.5)) < 1e-6


def test_memories_are_those_of_the_file_on_the_way_to_the_truth(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    code = f"{CLEAN}\n\n{CLEAN}"
    stream = iter([Piece(i, CLEAN, before=f"{CLEAN}\n\n") for i in range(20)])
    found = retrievals(oracle_of(code), tokenizer, stream, Random(0), TimeBox(60))
    assert len(found) > 40
    assert {len(each.features) for each in found} == {len(RETRIEVAL_FEATURES)}
    # The function stands there twice, so what follows is what followed, but for a token here and there.
    assert sum(each.share > 0.5 for each in found) > 0.7 * len(found)
    assert all(0.0 <= each.share <= 1.0 and 0.0 < each.probability <= 1.0 for each in found)
    assert retrievals(oracle_of(code), tokenizer, iter([Piece(0, CLEAN)]), Random(0), TimeBox(0)) == []


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_calibration_decides_which_solution_is_taken(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer], sign: float
) -> None:
    proposer = Proposer(oracle_of(CLEAN), tokenizer)
    weights = RepairWeights(by(gain=sign), Logistic(-2.0, (0.0,) * (len(REPAIR_FEATURES) + 1)))
    shown: list[Sequence[Solution]] = []
    # Several solutions take a search that looks on after the first one.
    search = replace(Search(), n_problems=1, lead=1e9, patience=4, n_candidates=200, line_costs=(0.0,))
    with torch.inference_mode():
        repaired = repair(
            proposer,
            CLEAN.replace("height):", "height:"),
            search,
            weights=weights,
            on_solved=shown.append,
        )
    (solutions,) = shown
    assert len(solutions) > 1
    best = max(solutions, key=lambda solution: sign * solution.features.gain)
    assert repaired.source == best.attempt.source
    assert repaired.probability == pytest.approx(sigmoid(-2.0))


def test_problems_solved_apart_are_looked_at_again_once_all_are_solved(
    tokenizer: Tokenizer, oracle_of: Callable[..., Transformer]
) -> None:
    filler = "".join(f"value_{i} = other_{i}\n" for i in range(6))
    clean = f"first(1)\n{filler}if second:\n    third = 4\n"
    broken = clean.replace("first(1)", "first(1").replace("second:", "second")
    weights = RepairWeights(by(gain=1.0), Logistic(0.0, (*by(keep_mean=1.0), 0.0)))
    likely = [
        repair(
            Proposer(oracle_of(clean, 0.9), tokenizer), text, Search(n_edits=1), weights=weights
        ).probability
        for text in (broken, clean.replace("first(1)", "first(1"))
    ]
    # Every token of the clean text is kept with a probability of 0.9, whatever was wrong on the way.
    assert likely == pytest.approx([sigmoid(np.log(0.9)) ** 2, sigmoid(np.log(0.9))], abs=1e-3)
