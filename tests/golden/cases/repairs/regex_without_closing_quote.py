import re
from dataclasses import dataclass

LINE = re.compile(r"(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] (?P<status>\d{3}))


@dataclass
class Entry:
    ip: str
    time: str
    status: int


def parse_line(line):
    match = LINE.match(line)
    if match is None:
        return None
    return Entry(match["ip"], match["time"], int(match["status"]))
# output
import re
from dataclasses import dataclass

LINE = re.compile(r"(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] (?P<status>\d{3})")


@dataclass
class Entry:
    ip: str
    time: str
    status: int


def parse_line(line):
    match = LINE.match(line)
    if match is None:
        return None
    return Entry(match["ip"], match["time"], int(match["status"]))
