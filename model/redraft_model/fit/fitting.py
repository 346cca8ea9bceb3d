"""Weights fitted by L-BFGS under an L2 penalty: a softmax over the solutions of each search, and logistic functions."""

# N examples, S solutions of one search, F features

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid

from redraft_model.calibration.logistic import Logistic, logit_share, weighted
from redraft_model.complete.ranking import (
    COMPLETION_FEATURES,
    JUDGED_COMPLETION_FEATURES,
    CompletionWeights,
    JudgedCompletionWeights,
)
from redraft_model.complete.retrieval import RETRIEVAL_FEATURES
from redraft_model.feature_weights import FeatureWeights
from redraft_model.fit.gathering import (
    JudgedLineExample,
    JudgedSolution,
    JudgedSweepExample,
    LineExample,
    RetrievalExample,
    SearchExample,
    SweepExample,
)
from redraft_model.misuse.ranking import (
    GROUPS,
    JUDGED_MISUSE_FEATURES,
    LABEL_EDIT_FEATURES,
    MISUSE_FEATURES,
    JudgedMisuseWeights,
    MisuseWeights,
    word_shares,
)
from redraft_model.repair.ranking import JUDGED_REPAIR_FEATURES, REPAIR_FEATURES, RepairWeights
from redraft_model.repair.settings import Search

ALIKE = 0.5  # likeness from which on a text for the rest of a line is better than nothing

Choice = TypeVar("Choice", SearchExample, LineExample)

PENALTY = 4.0  # half of it times the squared weights of standardised features, beside a sum over examples
# The orders are drawn towards those that were set by hand: of bugs and of lines that the pieces hold few of they say little.
RANKING_PENALTY = 16.0
LINE_RANKING_PENALTY = 256.0
N_FOLDS = 4
BASE_WEIGHT = 0.15  # of a nat of the base, beside one of the labels' gain, before anything is fitted
CLEAN_CHANGED = 0.02  # share of clean pieces that a sweep may change
# Less likely edits are never made. Half of the pieces are corrupted, so that at a half an edit is right as often as it is wrong;
# what people look at is mostly right already.
LIKELY = 0.82
NO_RETRIEVAL = -20.0  # a logit


def fit(
    searched: Sequence[SearchExample],
    swept: Sequence[SweepExample],
    completed: Sequence[LineExample] = (),
    retrieved: Sequence[RetrievalExample] = (),
    penalty: float = PENALTY,
    ranking: tuple[float, ...] | None = None,
    line_ranking: tuple[float, ...] | None = None,
) -> FeatureWeights:
    """The weights that explains what was gathered best.

    With `ranking`, one that leaves the order of solutions to it; so `line_ranking` for the texts of lines.
    """

    def order(some: Sequence[SearchExample]) -> tuple[float, ...]:
        return ranking or fit_ranking(some, REPAIR_FEATURES, RANKING_PENALTY, hand_set(Search()))

    def line_order(some: Sequence[LineExample]) -> tuple[float, ...]:
        return line_ranking or fit_line_ranking(some)

    return FeatureWeights(
        RepairWeights(
            ranking=order(searched),
            likelihood=_fit_choice(searched, REPAIR_FEATURES, _without_each_fold(order, searched), penalty),
        ),
        fit_misuse(swept, penalty),
        CompletionWeights(
            ranking=line_order(completed),
            likelihood=_fit_choice(
                completed, COMPLETION_FEATURES, _without_each_fold(line_order, completed), penalty
            ),
            interpolation=fit_interpolation(retrieved, penalty),
        ),
    )


def fit_judged_repair(
    searched: Sequence[SearchExample], unjudged: RepairWeights, penalty: float = PENALTY
) -> RepairWeights:
    """The weights of solutions that a base has judged, drawn towards `unjudged` ones and what the base says beside them."""
    towards = (*unjudged.ranking, BASE_WEIGHT * unjudged.ranking[REPAIR_FEATURES.index("gain")])

    def order(some: Sequence[SearchExample]) -> tuple[float, ...]:
        return fit_ranking(some, JUDGED_REPAIR_FEATURES, RANKING_PENALTY, towards)

    rankings = _without_each_fold(order, searched)
    likelihood = _fit_choice(searched, JUDGED_REPAIR_FEATURES, rankings, penalty)
    return RepairWeights(order(searched), likelihood, JUDGED_REPAIR_FEATURES)


def fit_judged_misuse(
    examples: Sequence[JudgedSweepExample], penalty: float = PENALTY
) -> JudgedMisuseWeights:
    """The weights under which the truth has the largest share, and the threshold at which few clean pieces are changed."""
    likely: list[tuple[float, bool]] = []
    for fold in range(N_FOLDS):
        word = _fit_judged_words([each for each in examples if each.file % N_FOLDS != fold], penalty)
        weights = JudgedMisuseWeights(word, 1.0)
        likely += [
            (_likeliest_judged(weights, each), each.is_worse)
            for each in examples
            if each.file % N_FOLDS == fold
        ]
    clean = sorted((share for share, is_worse in likely if not is_worse), reverse=True)
    n_allowed = int(CLEAN_CHANGED * len(clean))
    threshold = clean[n_allowed] + 1e-6 if n_allowed < len(clean) else 0.0
    return JudgedMisuseWeights(_fit_judged_words(examples, penalty), max(0.5, threshold))


def _likeliest_judged(weights: JudgedMisuseWeights, each: JudgedSweepExample) -> float:
    shares = (
        share
        for words in each.functions
        for share in weights.word_shares([features for features, _ in words])
    )
    return max(shares, default=0.0)


def _fit_judged_words(examples: Sequence[JudgedSweepExample], penalty: float) -> Logistic:
    functions = [words for each in examples for words in each.functions if words]
    if not functions:
        return Logistic(NO_RETRIEVAL, (0.0,) * len(JUDGED_MISUSE_FEATURES))
    values_NF = torch.tensor([features.values() for words in functions for features, _ in words])
    right_N = torch.tensor([is_right for words in functions for _, is_right in words])
    n_words = torch.tensor([len(words) for words in functions])
    function_N = torch.repeat_interleave(torch.arange(len(functions)), n_words)
    mean_F, scale_F = values_NF.mean(0), _scale(values_NF)
    has_right = torch.zeros(len(functions)).index_add(0, function_N, right_N.float()) > 0

    def loss(weight: torch.Tensor) -> torch.Tensor:
        score_N = weight[0] + ((values_NF - mean_F) / scale_F) @ weight[1:]
        right = _logsumexp(score_N.masked_fill(~right_N, -torch.inf), function_N, len(functions))
        everything = torch.logaddexp(_logsumexp(score_N, function_N, len(functions)), torch.zeros(()))
        imagined = -logsigmoid(weight[0]) - logsigmoid(-weight[0])
        return (everything - torch.where(has_right, right, torch.zeros(()))).sum() + imagined

    weight = _minimised(loss, 1 + values_NF.shape[1], penalty, n_free=1)
    weight_F = weight[1:] / scale_F
    return Logistic(float(weight[0] - (weight_F * mean_F).sum()), tuple(weight_F.tolist()))


def fit_judged_completion(
    examples: Sequence[JudgedLineExample], penalty: float = PENALTY
) -> JudgedCompletionWeights:
    """How likely the likeliest text is right."""
    if not examples:
        return JudgedCompletionWeights(Logistic(0.0, (0.0,) * len(JUDGED_COMPLETION_FEATURES)))
    return JudgedCompletionWeights(
        fit_logistic(
            [each.features.values() for each in examples], [each.is_right for each in examples], penalty
        )
    )


def fit_misuse(swept: Sequence[SweepExample], penalty: float = PENALTY) -> MisuseWeights:
    """The weights of the sweep, and the threshold at which it changes few clean pieces."""
    return MisuseWeights(
        fit_words(swept, penalty), _fit_label_edits(swept, penalty), _threshold(swept, penalty)
    )


def hand_set(search: Search) -> tuple[float, ...]:
    """The ranking that puts solutions into the order of their hand-set scores."""
    weights = {
        "gain": 1.0,
        "keep": search.keep_weight,
        "parses": search.parse_gain,
        "edits": -search.edit_cost,
        "uncompiled": -search.uncompiled_cost,
        "no_ops": -search.no_op_cost,
    }
    return tuple(weights.get(name, 0.0) for name in REPAIR_FEATURES)


def hand_set_for_lines() -> tuple[float, ...]:
    """The ranking of texts for the rest of a line by their mean, and by what the names around them tell."""
    weights = {"mean": 1.0, "binds": 2.0, "reads": 1.0, "binds_again": -2.0, "result": 1.0}
    return tuple(weights.get(name, 0.0) for name in COMPLETION_FEATURES)


def fit_ranking(
    searched: Sequence[SearchExample | LineExample],
    names: Sequence[str],
    penalty: float = PENALTY,
    towards: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """Weights of the features `names` under which right solutions have the largest share; searches without one say nothing.

    They are drawn to zero, or to some multiple of the weights `towards`.
    """
    towards_F = torch.zeros(len(names)) if towards is None else torch.tensor(towards)
    telling = [
        search
        for search in searched
        if any(found.is_right for found in search.solutions)
        and not all(found.is_right for found in search.solutions)
    ]
    if not telling:
        return tuple(towards_F.tolist())
    groups = [
        torch.tensor([found.features.values(names) for found in search.solutions]) for search in telling
    ]
    rights = [torch.tensor([found.is_right for found in search.solutions]) for search in telling]
    scale_F = _scale(torch.cat(groups))

    def weights(parameters: torch.Tensor) -> torch.Tensor:
        return parameters[0].exp() * towards_F + parameters[1:] / scale_F

    def loss(parameters: torch.Tensor) -> torch.Tensor:
        weight_F = weights(parameters)
        total = torch.zeros(())
        for values_SF, right_S in zip(groups, rights, strict=True):
            score_S = values_SF @ weight_F
            total = total + score_S.logsumexp(0) - score_S[right_S].logsumexp(0)
        return total

    return tuple(weights(_minimised(loss, 1 + len(names), penalty, n_free=1)).tolist())


def fit_line_ranking(
    completed: Sequence[LineExample], penalty: float = LINE_RANKING_PENALTY
) -> tuple[float, ...]:
    """Weights under which the texts that are most like what stood there have the largest share.

    What stood there is seldom among the texts. Where none is much like it a place says nothing.
    """
    liked = []
    for each in completed:
        likest = max((text.likeness for text in each.solutions), default=0.0)
        if likest >= ALIKE:
            solutions = [replace(text, is_right=text.likeness == likest) for text in each.solutions]
            liked.append(LineExample(each.file, tuple(solutions)))
    return fit_ranking(liked, COMPLETION_FEATURES, penalty, hand_set_for_lines())


def fit_logistic(
    values: Sequence[Sequence[float]], labels: Sequence[bool], penalty: float = PENALTY
) -> Logistic:
    """The logistic function that gives `labels` the highest likelihood.

    One more example is imagined to be right and one wrong, so that nothing is certain because it was not seen.
    """
    values_NF = torch.tensor(values, dtype=torch.float32)
    label_N = torch.tensor(labels, dtype=torch.float32)
    mean_F, scale_F = values_NF.mean(0), _scale(values_NF)

    def loss(weight: torch.Tensor) -> torch.Tensor:
        logit_N = weight[0] + ((values_NF - mean_F) / scale_F) @ weight[1:]
        imagined = -logsigmoid(weight[0]) - logsigmoid(-weight[0])
        return binary_cross_entropy_with_logits(logit_N, label_N, reduction="sum") + imagined

    weight = _minimised(loss, 1 + values_NF.shape[1], penalty, n_free=1)
    weight_F = weight[1:] / scale_F
    return Logistic(float(weight[0] - (weight_F * mean_F).sum()), tuple(weight_F.tolist()))


def fit_interpolation(retrieved: Sequence[RetrievalExample], penalty: float = PENALTY) -> Logistic:
    """The interpolation weight under which the mixture of network and retrieval gives the right tokens the highest likelihood.

    Without examples nothing is retrieved.
    """
    if not retrieved:
        return Logistic(NO_RETRIEVAL, (0.0,) * len(RETRIEVAL_FEATURES))
    values_NF = torch.tensor([each.features for each in retrieved])
    network_N = torch.tensor([each.probability for each in retrieved])
    retrieved_N = torch.tensor([each.share for each in retrieved])
    mean_F, scale_F = values_NF.mean(0), _scale(values_NF)

    def loss(weight: torch.Tensor) -> torch.Tensor:
        interpolation_N = torch.sigmoid(weight[0] + ((values_NF - mean_F) / scale_F) @ weight[1:])
        return (
            -(interpolation_N * retrieved_N + (1 - interpolation_N) * network_N).clamp_min(1e-9).log().sum()
        )

    weight = _minimised(loss, 1 + len(RETRIEVAL_FEATURES), penalty, n_free=1)
    weight_F = weight[1:] / scale_F
    return Logistic(float(weight[0] - (weight_F * mean_F).sum()), tuple(weight_F.tolist()))


def _fit_choice(
    searched: Sequence[SearchExample | LineExample],
    names: Sequence[str],
    rankings: Sequence[tuple[float, ...]],
    penalty: float,
) -> Logistic:
    """The likelihood of the best solution. Its share comes from a ranking that has not seen its file, as it will in use."""
    values: list[tuple[float, ...]] = []
    labels: list[bool] = []
    for search in searched:
        if search.solutions:
            ranking = rankings[search.file % N_FOLDS]
            scores = [weighted(ranking, found.features.values(names)) for found in search.solutions]
            best = max(range(len(scores)), key=lambda i: scores[i])
            chosen = search.solutions[best]
            if isinstance(chosen, JudgedSolution) and not chosen.features.parses:
                continue  # nothing can be said of it before the next problem is solved
            values.append((*chosen.features.values(names), logit_share(scores, best)))
            labels.append(chosen.is_right)
    if not values:
        return Logistic(0.0, (0.0,) * (len(names) + 1))
    return fit_logistic(values, labels, penalty)


def _without_each_fold(
    order: Callable[[Sequence[Choice]], tuple[float, ...]], searched: Sequence[Choice]
) -> list[tuple[float, ...]]:
    """The ranking for the files of each fold, fitted to the others."""
    return [order([each for each in searched if each.file % N_FOLDS != fold]) for fold in range(N_FOLDS)]


def fit_words(swept: Sequence[SweepExample], penalty: float = PENALTY) -> dict[str, Logistic]:
    """Weights under which the truth has the largest share: a word for a slot of a function, or nothing being wrong.

    Words of one group have weights of their own; of each, one more is imagined to be right and one wrong.
    """
    functions = [words for each in swept for seen in each.windows for words in seen.words]
    offered = [word for words in functions for word in words]
    if not offered:
        return {group: Logistic(0.0, (0.0,) * len(MISUSE_FEATURES)) for group in GROUPS}
    values_NF = torch.tensor([word.features.values() for word in offered])
    group_N = torch.tensor([GROUPS.index(word.features.group) for word in offered])
    right_N = torch.tensor([word.is_right for word in offered])
    n_words = torch.tensor([len(words) for words in functions])
    function_N = torch.repeat_interleave(torch.arange(len(functions)), n_words)
    mean_GF, scale_GF = (
        torch.zeros(len(GROUPS), len(MISUSE_FEATURES)),
        torch.ones(len(GROUPS), len(MISUSE_FEATURES)),
    )
    for group in {GROUPS.index(word.features.group) for word in offered}:
        mean_GF[group] = values_NF[group_N == group].mean(0)
        scale_GF[group] = _scale(values_NF[group_N == group])
    values_NF = (values_NF - mean_GF[group_N]) / scale_GF[group_N]
    has_right = torch.zeros(len(functions)).index_add(0, function_N, right_N.float()) > 0

    def loss(weight: torch.Tensor) -> torch.Tensor:
        bias_G, weight_GF = weight[: len(GROUPS)], weight[len(GROUPS) :].view(mean_GF.shape)
        score_N = bias_G[group_N] + (values_NF * weight_GF[group_N]).sum(-1)
        right = _logsumexp(score_N.masked_fill(~right_N, -torch.inf), function_N, len(functions))
        everything = torch.logaddexp(_logsumexp(score_N, function_N, len(functions)), torch.zeros(()))
        imagined = (-logsigmoid(bias_G) - logsigmoid(-bias_G)).sum()
        return (everything - torch.where(has_right, right, torch.zeros(()))).sum() + imagined

    n_weights = len(GROUPS) * (1 + len(MISUSE_FEATURES))
    weight = _minimised(loss, n_weights, penalty, n_free=len(GROUPS))
    weight_GF = weight[len(GROUPS) :].view(mean_GF.shape) / scale_GF
    bias_G = weight[: len(GROUPS)] - (weight_GF * mean_GF).sum(-1)
    return {
        group: Logistic(float(bias), tuple(weight_F.tolist()))
        for group, bias, weight_F in zip(GROUPS, bias_G, weight_GF, strict=True)
    }


def _logsumexp(score_N: torch.Tensor, group_N: torch.Tensor, n_groups: int) -> torch.Tensor:
    """The logarithm of the sum of exponentials of each group's scores; some number for a group whose scores are all -inf."""
    highest = torch.full((n_groups,), -torch.inf).scatter_reduce(0, group_N, score_N.detach(), "amax")
    highest = highest.clamp(min=-1e4)
    total = torch.zeros(n_groups).index_add(0, group_N, (score_N - highest[group_N]).exp())
    return total.clamp(min=1e-30).log() + highest


def _fit_label_edits(swept: Sequence[SweepExample], penalty: float) -> Logistic:
    tried = [edit for each in swept for seen in each.windows for edit in seen.edits]
    if not tried:
        return Logistic(0.0, (0.0,) * len(LABEL_EDIT_FEATURES))
    return fit_logistic(
        [edit.features.values() for edit in tried], [edit.is_right for edit in tried], penalty
    )


def likeliest(words: Mapping[str, Logistic], label_edit: Logistic, each: SweepExample) -> tuple[float, bool]:
    """How likely the best word or edit of a piece is right, and whether it is; (0, False) where there is none."""
    best = (0.0, False)
    for seen in each.windows:
        for offered in seen.words:
            shares = word_shares(words, [word.features for word in offered])
            best = max([best, *((share, word.is_right) for share, word in zip(shares, offered, strict=True))])
        best = max([best, *((label_edit(edit.features.values()), edit.is_right) for edit in seen.edits)])
    return best


def _threshold(swept: Sequence[SweepExample], penalty: float) -> float:
    """The smallest likelihood, at least LIKELY, at which few enough clean pieces are changed by a fit that has not seen them."""
    clean: list[float] = []
    for fold in range(N_FOLDS):
        seen = [each for each in swept if each.file % N_FOLDS != fold]
        words, label_edit = fit_words(seen, penalty), _fit_label_edits(seen, penalty)
        for each in swept:
            if each.file % N_FOLDS == fold and not each.is_worse:
                clean.append(likeliest(words, label_edit, each)[0])
    clean.sort(reverse=True)
    n_allowed = int(CLEAN_CHANGED * len(clean))
    return max(LIKELY, clean[n_allowed] + 1e-6) if n_allowed < len(clean) else LIKELY


def _scale(values_NF: torch.Tensor) -> torch.Tensor:
    """Standard deviations; 1 for what never changes."""
    scale_F = values_NF.std(0, correction=0)
    return torch.where(scale_F > 1e-6, scale_F, torch.ones(()))


@torch.enable_grad()
def _minimised(
    loss: Callable[[torch.Tensor], torch.Tensor], n: int, penalty: float, n_free: int = 0
) -> torch.Tensor:
    """The `n` weights of the smallest loss; the first `n_free` may grow without a penalty."""
    weight = torch.zeros(n, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        total = loss(weight) + 0.5 * penalty * weight[n_free:].square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach()
