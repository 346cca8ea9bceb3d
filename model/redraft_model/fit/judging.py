"""What a calibration is worth on files it has not seen: best solutions that are right, Brier score, reliability."""

from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.fit.fitting import fit, likeliest
from redraft_model.fit.gathering import LineExample, SearchExample, SweepExample

N_BINS = 5


@dataclass(frozen=True)
class Prediction:
    """One repair, sweep or line: the likelihood that was stated, and the truth."""

    probability: float
    is_right: bool


@dataclass(frozen=True)
class Verdict:
    """Searches, sweeps and lines judged by weights that were fitted to the other half of the files.

    `n_found` searches have the right solution among theirs; `n_before` put it first by the hand-set score, `n_after` by the
    weights; and so of the `n_lines` places where the rest of a line was missing. Of `n_clean` clean pieces the sweep would
    change `n_clean_changed`; of `n_corrupted` corrupted ones `n_undone` as they were.
    """

    n: int
    n_found: int
    n_before: int
    n_after: int
    repairs: tuple[Prediction, ...]
    n_clean: int
    n_clean_changed: int
    n_corrupted: int
    n_undone: int
    n_lines: int
    n_lines_found: int
    n_lines_before: int
    n_lines_after: int
    lines: tuple[Prediction, ...]


def brier(judged: Sequence[Prediction]) -> float:
    """Mean squared distance between the stated likelihood and the truth: 0 is perfect; 0 where nothing was stated."""
    return sum((each.probability - each.is_right) ** 2 for each in judged) / max(1, len(judged))


def brier_of_the_mean(judged: Sequence[Prediction]) -> float:
    """The same for who states the share of what is right each time."""
    share = sum(each.is_right for each in judged) / max(1, len(judged))
    return brier([Prediction(share, each.is_right) for each in judged])


def judge(
    searched: Sequence[SearchExample],
    swept: Sequence[SweepExample],
    completed: Sequence[LineExample] = (),
    ranking: tuple[float, ...] | None = None,
    line_ranking: tuple[float, ...] | None = None,
) -> Verdict:
    """The verdict over both halves, each with the weights that the other one gives, or with given rankings."""
    repairs: list[Prediction] = []
    lines: list[Prediction] = []
    n_before = n_after = n_lines_before = n_lines_after = n_clean_changed = n_undone = 0
    for half in (0, 1):
        weights = fit(
            [search for search in searched if search.file % 2 != half],
            [each for each in swept if each.file % 2 != half],
            [each for each in completed if each.file % 2 != half],
            ranking=ranking,
            line_ranking=line_ranking,
        )
        for search in searched:
            if search.file % 2 == half and search.solutions:
                n_before += max(search.solutions, key=lambda found: found.score).is_right
                best, share = weights.repair.best([found.features for found in search.solutions])
                chosen = search.solutions[best]
                n_after += chosen.is_right
                repairs.append(
                    Prediction(weights.repair.probability(chosen.features, share), chosen.is_right)
                )
        for each in swept:
            likely, is_right = likeliest(weights.misuse.words, weights.misuse.label_edit, each)
            if each.file % 2 == half and likely >= weights.misuse.threshold:
                n_clean_changed += not each.is_worse
                n_undone += is_right
        for one in completed:
            if one.file % 2 == half:
                n_lines_before += max(one.solutions, key=lambda found: found.score).is_right
                ranked = weights.completion.judged([text.features for text in one.solutions])
                (_, likely), text = max(zip(ranked, one.solutions, strict=True), key=lambda pair: pair[0][0])
                n_lines_after += text.is_right
                lines.append(Prediction(likely, text.is_right))
    return Verdict(
        n=len(searched),
        n_found=_n_found(searched),
        n_before=n_before,
        n_after=n_after,
        repairs=tuple(repairs),
        n_clean=sum(not each.is_worse for each in swept),
        n_clean_changed=n_clean_changed,
        n_corrupted=sum(each.is_worse for each in swept),
        n_undone=n_undone,
        n_lines=len(completed),
        n_lines_found=_n_found(completed),
        n_lines_before=n_lines_before,
        n_lines_after=n_lines_after,
        lines=tuple(lines),
    )


def _n_found(searched: Sequence[SearchExample | LineExample]) -> int:
    return sum(any(found.is_right for found in search.solutions) for search in searched)


def bins(judged: Sequence[Prediction], n_bins: int = N_BINS) -> list[tuple[float, int, int]]:
    """(mean stated likelihood, how many are right, how many there are) of equally wide bins that are not empty."""
    found = []
    for i in range(n_bins):
        inside = [each for each in judged if min(n_bins - 1, int(n_bins * each.probability)) == i]
        if inside:
            mean = sum(each.probability for each in inside) / len(inside)
            found.append((mean, sum(each.is_right for each in inside), len(inside)))
    return found
