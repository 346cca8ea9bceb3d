"""Which Python a project is for."""

from pathlib import Path

import pytest
from redraft_server.target import nearest, required, version_of


@pytest.mark.parametrize(
    ("words", "version"),
    [
        (">=3.11", (3, 11)),
        (">=3.11.4", (3, 11)),
        (">3.8,<4", (3, 8)),
        ("~=3.10", (3, 10)),
        ("==3.12.*", (3, 12)),
        ("==3.9.5", (3, 9)),
        (">=2.7, !=3.0.*, !=3.1.*", (2, 7)),
        ("<3.12", (2, 7)),
        ("newest", None),
        (311, None),
        (None, None),
    ],
)
def test_the_oldest_python_that_is_admitted_counts(words: object, version: object) -> None:
    assert required({"project": {"requires-python": words}}) == version


def test_what_is_no_project_requires_nothing() -> None:
    assert required({}) is None
    assert required({"project": 3}) is None


def test_a_version_has_two_numbers() -> None:
    assert version_of("3.11") == (3, 11)
    assert [version_of(text) for text in ("3", "3.11.2", "4.0", "py311", "")] == [None] * 5


def test_the_nearest_project_decides(tmp_path: Path) -> None:
    inner = tmp_path / "inner" / "package"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.9"\n')
    assert nearest(inner) == (3, 9)
    (tmp_path / "inner" / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.13"\n')
    assert nearest(inner) == (3, 13)
    assert nearest(tmp_path) == (3, 9)


def test_a_project_file_that_is_none_requires_nothing(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff not toml")
    assert nearest(tmp_path) is None
