from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True
class Invoice:
    number: str
    customer: str
    issued: date
    lines: list = field(default_factory=list)

    @property
    def total(self):
        return sum(line.price * line.count for line in self.lines)

    def is_overdue(self, today, days=30):
        return (today - self.issued).days > days
# output
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True)
class Invoice:
    number: str
    customer: str
    issued: date
    lines: list = field(default_factory=list)

    @property
    def total(self):
        return sum(line.price * line.count for line in self.lines)

    def is_overdue(self, today, days=30):
        return (today - self.issued).days > days
