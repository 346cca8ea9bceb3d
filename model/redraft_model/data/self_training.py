"""Verified self-training: broken texts, the model's repairs, and of those what the parser accepts for a small change.

The fixer's half of Break-It-Fix-It (https://arxiv.org/abs/2106.06600). Knows nothing of tokens or networks.
"""

from collections.abc import Callable, Iterator, Sequence

from redraft_model.data.broken import Broken
from redraft_model.data.pairs import Pair

ORIGIN = "self-training"


def fixed(
    texts: Sequence[Broken],
    repair: Callable[[str], str | None],
    is_small: Callable[[str, str], bool],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[Pair]:
    """A pair for every text whose repair parses and is a small change; `repair` may give up with None.

    `is_small` judges (before, after); the paper's rule is a text that parses and is one to four token edits away.
    """
    for n_done, broken in enumerate(texts, 1):
        after = repair(broken.text)
        if after is not None and is_small(broken.text, after):
            yield Pair(broken.text, after, ORIGIN, broken.source, broken.licence)
        progress(n_done, len(texts))
