"""Words that a tool has found wrong: which are asked about, what takes their place, and what is left alone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from redraft_model.calibration.logistic import Logistic
from redraft_model.decode.proposer import Proposer
from redraft_model.misuse.diagnosed import Corrected, Trust, correct, offered
from redraft_model.misuse.judging import MisuseJudge
from redraft_model.misuse.ranking import (
    GROUPS,
    JUDGED_MISUSE_FEATURES,
    LABEL_EDIT_FEATURES,
    MISUSE_FEATURES,
    JudgedMisuseWeights,
    MisuseWeights,
)
from redraft_model.misuse.slots import slots_of_diagnosis
from redraft_model.network.transformer import Transformer
from redraft_model.passage import Diagnosis, DiagnosisKind, Span
from redraft_model.tokens.tokenizer import Tokenizer

CLEAN = """class Part:
    def __init__(self, width, height):
        self.width = width
        self.height = height

    def area(self, scale):
        result = self.width * self.height
        return result * scale


def total(parts, scale):
    found = 0
    for part in parts:
        found += part.area(scale)
    return found
"""
UNDEFINED, UNUSED, ATTRIBUTE, ARGUMENT = DiagnosisKind
LEADS = MisuseWeights(
    dict.fromkeys(GROUPS, Logistic(-4.0, tuple(float(name == "lead") for name in MISUSE_FEATURES))),
    Logistic(-9.0, (0.0,) * len(LABEL_EDIT_FEATURES)),
    threshold=0.99,
)
TRUST = dict.fromkeys(DiagnosisKind, Trust(0.0, 0.6))


@pytest.fixture(scope="module")
def proposer(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> Proposer:
    return Proposer(oracle_of(CLEAN), tokenizer)


def changed(good: str, bad: str, source: str = CLEAN) -> str:
    assert source.count(good) == 1, good
    return source.replace(good, bad)


def of(source: str, text: str, kind: DiagnosisKind, number: int = 0) -> Diagnosis:
    start = -1
    for _ in range(number + 1):
        start = source.index(text, start + 1)
    return Diagnosis(Span(start, start + len(text)), kind)


def done(proposer: Proposer, source: str, *diagnoses: Diagnosis, **more: object) -> Corrected:
    return correct(proposer, source, diagnoses, LEADS, **{"trust": TRUST, **more})  # type: ignore[arg-type]


def offers(source: str, diagnosis: Diagnosis) -> dict[str, list[str]]:
    return {slot.text: [word.text for word in slot.others] for slot in slots_of_diagnosis(source, diagnosis)}


@pytest.mark.parametrize(
    ("good", "bad", "diagnosed", "kind"),
    [
        ("return result", "return reslut", "reslut", UNDEFINED),
        ("self.width *", "self.widht *", "self.widht", ATTRIBUTE),
        ("area(scale)\n    return", "area(parts)\n    return", "parts)\n    ret", ARGUMENT),
    ],
)
def test_a_diagnosed_word_becomes_the_one_that_is_meant(
    good: str, bad: str, diagnosed: str, kind: DiagnosisKind, proposer: Proposer
) -> None:
    source = changed(good, bad)
    diagnosis = of(source, diagnosed, kind)
    found = done(proposer, source, diagnosis)
    assert (found.source, found.diagnoses) == (CLEAN, (diagnosis,))
    assert 0.6 <= found.probability < 1


def test_for_an_unused_variable_something_else_is_read(proposer: Proposer) -> None:
    source = changed("return result", "return scale")
    diagnosis = of(source, "result", UNUSED)
    assert done(proposer, source, diagnosis).source == CLEAN
    assert offers(source, diagnosis) == {"scale": ["result"]}


def test_a_variable_that_is_read_by_now_is_left_alone(proposer: Proposer) -> None:
    source = changed("return result", "return reslut")
    unused, undefined = of(source, "result", UNUSED), of(source, "reslut", UNDEFINED)
    found = done(proposer, source, unused, undefined)
    assert (found.source, found.diagnoses) == (CLEAN, (undefined,))


def test_several_are_put_right_wherever_they_have_moved(proposer: Proposer) -> None:
    source = changed("return result", "return res")
    source = changed("return found", "return fuond_", source)
    source = changed("* self.height", "* self.h", source)
    diagnoses = [
        of(source, "self.h\n", ATTRIBUTE),
        of(source, "res *", UNDEFINED),
        of(source, "fuond_", UNDEFINED),
    ]
    diagnoses[0] = replace(diagnoses[0], span=Span(diagnoses[0].span.start, diagnoses[0].span.end - 1))
    diagnoses[1] = replace(diagnoses[1], span=Span(diagnoses[1].span.start, diagnoses[1].span.end - 2))
    found = done(proposer, source, *diagnoses)
    assert found.source == CLEAN
    assert found.diagnoses == tuple(sorted(diagnoses))


def test_only_words_that_have_a_value_are_offered() -> None:
    source = "import os\ndef f(path):\n    other = nowhere\n    return pth + nowhere\n"
    assert offers(source, of(source, "pth", UNDEFINED)) == {"pth": ["other", "path"]}
    assert offers(source, of(source, "+", UNDEFINED)) == {}


def test_of_an_attribute_the_variable_before_the_dot_may_be_wrong() -> None:
    source = "def f(first, second):\n    return first.size + second\n"
    assert offers(source, of(source, "first.size", ATTRIBUTE)) == {"first": ["second"]}


def test_a_bound_and_what_is_not_allowed_are_kept(proposer: Proposer) -> None:
    source = changed("return result", "return reslut")
    diagnosis = of(source, "reslut", UNDEFINED)
    strict = dict.fromkeys(DiagnosisKind, Trust(0.0, 0.999))
    assert done(proposer, source, diagnosis, trust=strict) == Corrected(source)
    believed = dict.fromkeys(DiagnosisKind, Trust(9.0, 0.999))
    assert done(proposer, source, diagnosis, trust=believed).source == CLEAN
    assert done(proposer, source, diagnosis, is_allowed=lambda text: text != CLEAN).source != CLEAN


def test_where_no_word_could_stand_nothing_happens(proposer: Proposer) -> None:
    n_before = proposer.effort.n_forward
    for text, kind in (("class", UNDEFINED), ("Part", UNUSED), ("\n\n", ATTRIBUTE)):
        assert done(proposer, CLEAN, of(CLEAN, text, kind)) == Corrected(CLEAN)
    assert proposer.effort.n_forward == n_before


def test_a_function_of_several_windows_is_asked_about_as_a_whole(
    tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]
) -> None:
    lines = "".join(f"    print({number}, other, other + {number})\n" for number in range(40))
    clean = f"def f(other):\n    wanted = other\n{lines}    return wanted\n"
    source = clean.replace("return wanted", "return other")
    proposer = Proposer(oracle_of(clean), tokenizer)
    diagnosis = of(source, "wanted", UNUSED)
    assert len(offered(proposer, source, diagnosis, LEADS)) > 60
    assert (
        done(proposer, source, diagnosis, trust=dict.fromkeys(DiagnosisKind, Trust(4.0, 0.2))).source == clean
    )


class Likes:
    """A judge that knows one text."""

    def log_likelihood(
        self, prefix: str, drafts: Sequence[str], suffix: str, *, n_suffix: int = 64
    ) -> list[float]:
        del n_suffix
        return [0.0 if prefix + draft + suffix == CLEAN else -12.0 for draft in drafts]


def test_a_base_has_the_last_word(tokenizer: Tokenizer, oracle_of: Callable[[str], Transformer]) -> None:
    source = changed("return result", "return reslut")
    diagnosis = of(source, "reslut", UNDEFINED)
    weights = JudgedMisuseWeights(
        Logistic(-6.0, tuple(float(name == "gain") for name in JUDGED_MISUSE_FEATURES)), threshold=0.99
    )
    nothing = replace(LEADS, words=dict.fromkeys(GROUPS, Logistic(-9.0, (0.0,) * len(MISUSE_FEATURES))))
    proposer = Proposer(oracle_of(source), tokenizer)  # the network finds nothing strange
    assert correct(proposer, source, [diagnosis], nothing, trust=TRUST).source == source
    judge = MisuseJudge(Likes(), weights)
    found = correct(proposer, source, [diagnosis], nothing, judge, trust=TRUST)
    assert found.source == CLEAN
    assert found.score == pytest.approx(6.0)
    assert found.probability == pytest.approx(1 / (1 + math.exp(-6.0)), abs=0.05)
