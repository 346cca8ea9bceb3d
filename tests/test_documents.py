"""What the documents say: their links lead to headings that exist, and what is quoted from the log stands there."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FINDINGS = DOCS / "what-we-know.md"

ANCHOR = re.compile(r"\]\(([^)\s#]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
FINDING = re.compile(r"^\| (\d+) \| (.+) \| (.+) \| \[([\d-]+)\]\(log\.md#([^)]+)\) \|$", re.MULTILINE)
NUMBER = re.compile(r"(?<![\w.])\d+(?:,\d{3})*(?:\.\d+)?(?!\w)")


def test_links_into_a_page_lead_to_a_heading() -> None:
    broken = [
        f"{page.relative_to(ROOT)}: {target}#{anchor}"
        for page in _pages()
        for target, anchor in ANCHOR.findall(page.read_text("utf-8"))
        if "://" not in target and anchor not in _anchors(page.parent / target if target else page)
    ]
    assert broken == []


def test_there_are_twenty_findings_in_order() -> None:
    numbers = [int(number) for number, *_ in FINDING.findall(FINDINGS.read_text("utf-8"))]
    assert numbers == list(range(1, 21))


def test_every_number_of_a_finding_stands_in_its_entry_of_the_log() -> None:
    entries = _entries()
    missing = []
    for number, finding, measured, date, anchor in FINDING.findall(FINDINGS.read_text("utf-8")):
        written_on, entry = entries[anchor]
        assert date == written_on, number
        known = set(NUMBER.findall(entry))
        quoted = NUMBER.findall(f"{finding} {measured}")
        assert quoted, number
        missing += [f"{number}: {quote}" for quote in quoted if quote not in known]
    assert missing == []


def _entries() -> dict[str, tuple[str, str]]:
    """The date and the text of each entry of the log, by the anchor of its heading."""
    found: dict[str, tuple[str, str]] = {}
    for day in re.split(r"^## ", (DOCS / "log.md").read_text("utf-8"), flags=re.MULTILINE)[1:]:
        date, _, entries = day.partition("\n")
        for entry in re.split(r"^### ", entries, flags=re.MULTILINE)[1:]:
            found[_slug(entry.partition("\n")[0])] = date, entry
    return found


def _anchors(page: Path) -> set[str]:
    return {_slug(heading) for heading in HEADING.findall(CODE.sub("", page.read_text("utf-8")))}


def _slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def _pages() -> Iterator[Path]:
    for folder in (ROOT, DOCS, DOCS / "adr", *(ROOT / "editor_clients").glob("*")):
        yield from folder.glob("*.md")
