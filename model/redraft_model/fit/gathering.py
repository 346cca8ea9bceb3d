"""Searches over code whose truth is known, each solution or text with its features and whether it is right."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from random import Random
from time import perf_counter, process_time

import torch

from redraft_model.complete.completer import Completer
from redraft_model.complete.holes import Holes
from redraft_model.complete.ranking import CompletionFeatures, JudgedCompletionFeatures
from redraft_model.decode.beam import BeamSettings, confidence, followed
from redraft_model.decode.forward import Cached
from redraft_model.decode.judge import Judge
from redraft_model.decode.proposer import Proposer
from redraft_model.evaluate.lexing import is_same_code
from redraft_model.fit.pieces import WORD_OR_SIGN, Piece, cursor
from redraft_model.misuse.judging import gains
from redraft_model.misuse.judging import preselected as preselected_words
from redraft_model.misuse.ranking import (
    JudgedMisuseFeatures,
    LabelEditFeatures,
    MisuseFeatures,
    MisuseWeights,
    judged_misuse_features,
)
from redraft_model.misuse.sweep import Sweep, WindowResult, improve
from redraft_model.network.transformer import Transformer
from redraft_model.noise import SemanticNoise, SyntaxNoise
from redraft_model.passage import Completion
from redraft_model.repair.judging import judged, preselected
from redraft_model.repair.ranking import RepairFeatures, RepairWeights
from redraft_model.repair.search import repair
from redraft_model.repair.settings import Search
from redraft_model.repair.solutions import Solution
from redraft_model.text.comments import is_faithful
from redraft_model.text.parser import compile_problem
from redraft_model.tokens.tokenizer import Tokenizer

FOREIGN_SYNTAX = 0.5  # share of bugs from other languages, beside 0.86 of all others

LONGEST_JUDGED = 5000  # characters of a text whose words a base judges

ProposerMaker = Callable[[], Proposer]


@dataclass(frozen=True)
class JudgedSolution:
    """One solution: its hand-set score, its features, whether it is what was there before the noise."""

    score: float
    features: RepairFeatures
    is_right: bool


@dataclass(frozen=True)
class SearchExample:
    """The solutions of one search in a piece of file number `file`."""

    file: int
    solutions: tuple[JudgedSolution, ...]


@dataclass(frozen=True)
class JudgedEdit:
    """An edit of a piece that parses, and whether it makes the piece what it was before the noise."""

    features: LabelEditFeatures
    is_right: bool


@dataclass(frozen=True)
class JudgedWord:
    """Another word for a slot of a piece that parses, and whether it makes the piece what it was before the noise."""

    features: MisuseFeatures
    is_right: bool


@dataclass(frozen=True)
class JudgedWindow:
    """What was seen in one window: the words offered for the slots of each function, and the edits that were tried."""

    words: tuple[tuple[JudgedWord, ...], ...]
    edits: tuple[JudgedEdit, ...]


@dataclass(frozen=True)
class SweepExample:
    """What was seen in the windows of a piece that parses, and whether the piece was corrupted."""

    file: int
    is_worse: bool
    windows: tuple[JudgedWindow, ...]


@dataclass(frozen=True)
class JudgedText:
    """A text for the rest of a line: its hand-set score and features, whether it is what stood there, how alike they are."""

    score: float
    features: CompletionFeatures
    is_right: bool
    likeness: float


@dataclass(frozen=True)
class LineExample:
    """The texts that were found for the rest of a line of file number `file`."""

    file: int
    solutions: tuple[JudgedText, ...]


@dataclass(frozen=True)
class RepairOutcome:
    """One repair: how likely it was said to be right, whether it is, and the milliseconds of processor time."""

    probability: float
    is_right: bool
    milliseconds: float


@dataclass(frozen=True)
class RetrievalExample:
    """A token of a rest of a line in file number `file`: its probability by the network, its share of what was retrieved."""

    file: int
    features: tuple[float, ...]  # as RETRIEVAL_FEATURES
    probability: float
    share: float


@dataclass(frozen=True)
class JudgedSweepExample:
    """The words that a base judged in the functions of a piece that parses, and whether the piece was corrupted."""

    file: int
    is_worse: bool
    functions: tuple[tuple[tuple[JudgedMisuseFeatures, bool], ...], ...]  # each word with whether it is right


@dataclass(frozen=True)
class JudgedLineExample:
    """The likeliest text for the rest of a line, as a base has judged it, and whether it is what stood there."""

    file: int
    features: JudgedCompletionFeatures
    is_right: bool


class TimeBox:
    """So many seconds from now."""

    def __init__(self, seconds: float) -> None:
        self._end = perf_counter() + seconds

    def __bool__(self) -> bool:
        return perf_counter() < self._end


@torch.inference_mode()
def searches(
    make: ProposerMaker,
    pieces: Iterator[Piece],
    search: Search,
    rng: Random,
    box: TimeBox,
    judging: tuple[Judge, RepairWeights] | None = None,
) -> list[SearchExample]:
    """Searches in pieces that compile, with one to four errors, until the time is up.

    Where the best solution leaves a problem for a search of its own nothing can be said yet, and the piece is left out. With
    `judging` the best solutions by its weights are judged, and the others left out.
    """
    found: list[SearchExample] = []
    # Pieces hold little that bugs from other languages could be made of.
    noise = SyntaxNoise(again=0.35, n_mutators_max=4, shares={"foreign_syntax": FOREIGN_SYNTAX})
    whole = (piece for piece in pieces if compile_problem(piece.code) is None)
    while box and (broken := broken_piece(whole, noise, rng)) is not None:
        piece, text = broken
        shown: list[Sequence[Solution]] = []
        repair(make(), text, replace(search, n_problems=1), is_allowed=_allowed(text), on_solved=shown.append)
        best = max(shown[0], key=lambda solution: solution.score) if shown else None
        if best is not None and best.attempt.trouble is not None:
            continue
        solutions = tuple(
            JudgedSolution(
                solution.score, solution.features, is_same_code(solution.attempt.source, piece.code)
            )
            for solution in (shown[0] if shown else ())
        )
        if judging is not None:
            solutions = _judged(*judging, shown[0] if shown else (), solutions)
        found.append(SearchExample(piece.file, solutions))
    return found


def _judged(
    judge: Judge,
    weights: RepairWeights,
    solutions: Sequence[Solution],
    examples: Sequence[JudgedSolution],
) -> tuple[JudgedSolution, ...]:
    chosen = preselected(weights, [example.features for example in examples])
    features = judged(
        judge, [solutions[i].attempt.source for i in chosen], [examples[i].features for i in chosen]
    )
    return tuple(replace(examples[i], features=known) for i, known in zip(chosen, features, strict=True))


@torch.inference_mode()
def judged_sweeps(
    make: ProposerMaker,
    pieces: Iterator[Piece],
    sweep: Sweep,
    rng: Random,
    box: TimeBox,
    judge: Judge,
    prior: MisuseWeights,
) -> list[JudgedSweepExample]:
    """Words judged in pieces that parse, half of them corrupted, until the time is up."""
    found: list[JudgedSweepExample] = []
    noise = SemanticNoise(second=0.0)
    for piece in pieces:
        if not box:
            break
        code = noise.corrupt(piece.code, rng) if rng.random() < 0.5 else piece.code
        text, right = piece.text(code), piece.text(piece.code)
        if len(text) > LONGEST_JUDGED:
            continue
        shown: list[WindowResult] = []
        looking = replace(sweep, improvement=math.inf, n_words=0)
        improve(make(), text, looking, within=piece.within(code), on_window=shown.append)
        functions = []
        for words in (words for result in shown for words in result.words):
            chosen = preselected_words(prior, words)
            features = judged_misuse_features(
                [word.features for word in chosen],
                gains(judge, text, chosen),
                [prior.words[word.features.group].score(word.features.values()) for word in chosen],
                len(words),
            )
            functions.append(
                tuple((known, word.text(text) == right) for known, word in zip(features, chosen, strict=True))
            )
        found.append(JudgedSweepExample(piece.file, text != right, tuple(functions)))
    return found


def judged_lines(
    completer: Completer, pieces: Iterator[Piece], rng: Random, box: TimeBox
) -> list[JudgedLineExample]:
    """The likeliest rests of lines as the completer's base judges them, until the time is up."""
    found = []
    for file, asked, rest in _cursors(pieces, rng, box):
        for text in completer.judged_texts(asked)[:1]:
            is_right = text.text.strip() == rest.strip()
            found.append(JudgedLineExample(file, text.features, is_right))
    return found


@torch.inference_mode()
def sweeps(
    make: ProposerMaker, pieces: Iterator[Piece], sweep: Sweep, rng: Random, box: TimeBox
) -> list[SweepExample]:
    """Edits of pieces that parse, half of them corrupted, until the time is up."""
    found: list[SweepExample] = []
    noise = SemanticNoise(second=0.0)
    for piece in pieces:
        if not box:
            break
        code = noise.corrupt(piece.code, rng) if rng.random() < 0.5 else piece.code
        text, right = piece.text(code), piece.text(piece.code)
        shown: list[WindowResult] = []
        # None is made, so that every edit is one of the text as it is; words are judged without being tried.
        looking = replace(sweep, improvement=math.inf, n_words=0)
        improve(
            make(),
            text,
            looking,
            within=piece.within(code),
            is_allowed=_allowed(text),
            on_window=shown.append,
        )
        windows = tuple(_seen(looked, right) for looked in shown)
        found.append(SweepExample(piece.file, text != right, windows))
    return found


def _seen(looked: WindowResult, right: str) -> JudgedWindow:
    source = looked.window.source
    return JudgedWindow(
        # The noise changes a word where it stands, so the right one brings back every character.
        tuple(
            tuple(JudgedWord(word.features, word.text(source) == right) for word in words)
            for words in looked.words
        ),
        tuple(
            JudgedEdit(edit.features, is_same_code(edit.window.source, right))
            for edit in looked.edits
            if edit.features is not None
        ),
    )


@torch.inference_mode()
def retrievals(
    model: Transformer, tokenizer: Tokenizer, pieces: Iterator[Piece], rng: Random, box: TimeBox
) -> list[RetrievalExample]:
    """What is retrieved on the way to rests of lines, until the time is up."""
    found: list[RetrievalExample] = []
    holes, forward = Holes(tokenizer), Cached(model)
    for file, asked, rest in _cursors(pieces, rng, box):
        hole = holes.of_line(asked, BeamSettings().n_masks)[0]
        tokens = tokenizer.encode(rest if hole.openings is None else f"\n{rest}").tolist()
        if len(tokens) >= len(hole.canvas.region):
            continue
        for token, log_p_V, retrieved in followed(forward, hole, tokens, breaks_line=tokenizer.breaks_line):
            # A text that the parser or the file's indentation forbids is none that is looked for.
            if retrieved is not None and log_p_V[token].isfinite():
                values = retrieved.values(confidence(log_p_V))
                share = retrieved.counts.get(token, 0) / sum(retrieved.counts.values())
                found.append(RetrievalExample(file, values, float(log_p_V[token].exp()), share))
    return found


def lines(completer: Completer, pieces: Iterator[Piece], rng: Random, box: TimeBox) -> list[LineExample]:
    """Rests of lines, until the time is up. No text at all is no suggestion, so it is left out."""
    found: list[LineExample] = []
    for file, asked, rest in _cursors(pieces, rng, box):
        texts = tuple(
            JudgedText(features.mean, features, text.strip() == rest.strip(), likeness(text, rest))
            for text, features in completer.texts(asked)
            if text.strip()
        )
        if texts:
            found.append(LineExample(file, texts))
    return found


def _cursors(pieces: Iterator[Piece], rng: Random, box: TimeBox) -> Iterator[tuple[int, Completion, str]]:
    """A place in each piece with the rest of its line, and the number of its file, until the time is up."""
    for piece in pieces:
        if not box:
            return
        if (place := cursor(piece, rng)) is not None:
            passage, rest = place
            yield piece.file, Completion(passage, retrieved_context=piece.context), rest


def likeness(a: str, b: str) -> float:
    """The share of words and signs that two texts have in common in the same order; 1 if they differ in blanks at most."""
    pieces_a, pieces_b = (WORD_OR_SIGN.findall(text) for text in (a, b))
    return SequenceMatcher(None, pieces_a, pieces_b, autojunk=False).ratio()


@torch.inference_mode()
def outcome(
    make: ProposerMaker, piece: Piece, text: str, search: Search, weights: RepairWeights | None
) -> RepairOutcome:
    """What becomes of `text`, which `piece` was turned into."""
    start = process_time()
    repaired = repair(make(), text, search, is_allowed=_allowed(text), weights=weights)
    milliseconds = 1000 * (process_time() - start)
    is_right = is_same_code(repaired.source, piece.code)
    return RepairOutcome(repaired.probability if repaired.n_edits else 0.0, is_right, milliseconds)


def broken_piece(pieces: Iterator[Piece], noise: SyntaxNoise, rng: Random) -> tuple[Piece, str] | None:
    """The next piece that the noise breaks, and what it makes of it; None when there are no pieces."""
    for piece in pieces:
        text = noise.corrupt(piece.code, rng)
        if text != piece.code:
            return piece, text
    return None


def _allowed(source: str) -> Callable[[str], bool]:
    """As the engine asks it of every edit."""
    return lambda text: is_faithful(source, text)
