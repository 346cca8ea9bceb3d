"""Verified self-training: broken texts, the model's repairs, and of those what the parser accepts for a small change.

The fixer's half of Break-It-Fix-It (https://arxiv.org/abs/2106.06600). Knows nothing of tokens or networks.
"""

from collections.abc import Callable, Iterator, Sequence

from redraft_model.data.broken import Broken
from redraft_model.data.pairs import Pair
from redraft_model.evaluate.syntax_repair import judge_repair

ORIGIN = "self-training"


def fixed(
    texts: Sequence[Broken],
    repair: Callable[[str], str | None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Pair]:
    """A pair for every text whose repair parses and is at most four token edits away; `repair` may give up with None."""
    for n_done, broken in enumerate(texts, 1):
        after = repair(broken.text)
        if after is not None and judge_repair(broken.text, after)["bifi"]:
            yield Pair(broken.text, after, ORIGIN, broken.source, broken.licence)
        progress(n_done, len(texts))
