"""The judgement the syntax suites share: the text parses, and it parses for a small change."""

from collections.abc import Sequence

from redraft_model.evaluate.lexing import token_distance
from redraft_model.evaluate.parsing import parses
from redraft_model.evaluate.result import Metric, Record

BIFI_LIMIT = 4
"""Token edits a repair may cost under the BIFI rule."""


def judge_repair(before: str, answer: str | None) -> Record:
    """Fields "parses", "bifi" and "token_distance" (-1 after a crash) of a repair of `before`."""
    if answer is None:
        return {"parses": False, "bifi": False, "token_distance": -1}
    distance = token_distance(before, answer)
    is_parsed = parses(answer)
    return {
        "parses": is_parsed,
        "bifi": is_parsed and 0 < distance <= BIFI_LIMIT,
        "token_distance": distance,
    }


def repair_metrics(records: Sequence[Record]) -> tuple[Metric, ...]:
    """The metrics "parse" and "BIFI rule".

    The BIFI rule (Yasunaga and Liang, Break-It-Fix-It, ICML 2021, https://arxiv.org/abs/2106.06600) asks
    for a text that parses and is 1 to 4 token edits away from the input; deleting until it parses does not
    pass. Tokens are those of `lexing.tokens`.
    """
    return Metric.share("parse", records, "parses"), Metric.share("BIFI rule", records, "bifi")
