"""What a suite found: metrics with their intervals and one record per item. Holds no text of a benchmark."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from redraft_model.errors import DataError
from redraft_model.evaluate.proportion import wilson

Record = dict[str, bool | int | float | str]
"""Outcome of one item: "id", "crashed", "error", the engine's "seconds", and the suite's own fields."""


@dataclass(frozen=True)
class Metric:
    """`count` of `n` items have the property `name`."""

    name: str
    count: int
    n: int

    @classmethod
    def share(cls, name: str, records: Sequence[Record], field: str) -> "Metric":
        """How many of `records` have a true `field`."""
        return cls(name, sum(record[field] is True for record in records), len(records))

    @property
    def rate(self) -> float | None:
        """The share in [0, 1]; None where there is nothing to count."""
        return self.count / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval of the rate."""
        return wilson(self.count, self.n)

    def cell(self) -> str:
        """Rate and interval for a table cell, in percent."""
        if self.rate is None:
            return "no items"
        low, high = self.interval
        return f"{100 * self.rate:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass(frozen=True)
class Result:
    """One suite run with one engine.

    `system` is the engine's name, `n` the number of items tried, `limit` the subset asked for (None: all of
    them), `seconds` the wall time with judging, `engine_seconds` without. `python` is the version that
    judged: what parses depends on it. `split` is empty where the suite has none.
    """

    suite: str
    system: str
    n: int
    metrics: tuple[Metric, ...]
    seconds: float
    engine_seconds: float
    seed: int
    limit: int | None
    python: str
    records: tuple[Record, ...]
    is_trained_on: bool = False  # on fixes of this suite's file, so that the rates say little
    split: str = ""

    @property
    def name(self) -> str:
        """The system, the split if there is one, and a warning when it has learnt from this very set."""
        name = f"{self.system}, {self.split} split" if self.split else self.system
        return f"{name} (trained on this set's fixes)" if self.is_trained_on else name

    def metric(self, name: str) -> Metric:
        """The metric called `name`; KeyError if this suite has none."""
        for metric in self.metrics:
            if metric.name == name:
                return metric
        raise KeyError(name)

    def to_json(self) -> str:
        """Everything as one JSON object, two spaces deep; `from_json` reads it back."""
        return json.dumps(
            {
                "suite": self.suite,
                "system": self.system,
                "n": self.n,
                "metrics": [
                    {
                        "name": metric.name,
                        "count": metric.count,
                        "n": metric.n,
                        "rate": metric.rate,
                        "interval_95": list(metric.interval),
                    }
                    for metric in self.metrics
                ],
                "seconds": round(self.seconds, 3),
                "engine_seconds": round(self.engine_seconds, 3),
                "seed": self.seed,
                "limit": self.limit,
                "python": self.python,
                "is_trained_on": self.is_trained_on,
                "split": self.split,
                "records": list(self.records),
            },
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """The result `to_json` wrote; seconds come back to the millisecond.

        Raises:
            DataError: the text is not one.
        """
        try:
            fields = json.loads(text)
            return cls(
                suite=fields["suite"],
                system=fields["system"],
                n=fields["n"],
                metrics=tuple(
                    Metric(metric["name"], metric["count"], metric["n"]) for metric in fields["metrics"]
                ),
                seconds=fields["seconds"],
                engine_seconds=fields["engine_seconds"],
                seed=fields["seed"],
                limit=fields["limit"],
                python=fields["python"],
                records=tuple(fields["records"]),
                is_trained_on=bool(fields.get("is_trained_on", False)),
                split=str(fields.get("split", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"this is not a saved evaluation result ({error}); run the suite again"
            ) from error

    def to_markdown(self) -> str:
        """One line about the run and a table, one metric a row."""
        part = "" if self.limit is None else f" (a random subset, seed {self.seed})"
        lines = [
            f"**{self.suite}**, {self.name}: n = {self.n}{part}, {self.seconds:.1f} s, Python {self.python}",
            "",
            "| metric | count | n | rate | 95 % interval |",
            "|---|---:|---:|---:|---:|",
        ]
        for metric in self.metrics:
            rate = "no items" if metric.rate is None else f"{100 * metric.rate:.1f} %"
            low, high = metric.interval
            interval = f"{100 * low:.1f} to {100 * high:.1f} %"
            lines.append(f"| {metric.name} | {metric.count} | {metric.n} | {rate} | {interval} |")
        return "\n".join(lines) + "\n"
