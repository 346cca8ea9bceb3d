"""Settings: what is taken over, what is complained about, and what a repository may not decide."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from redraft_server.settings import Settings, Values, personal_values, project_values, wire_name

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "settings.md"


def check(options: object, values: Values, *complaints: str) -> None:
    """A user's `options` set `values`, with these complaints."""
    assert personal_values(options) == (values, list(complaints))


@pytest.mark.parametrize("key", ["inlineCompletion", "inline-completion", "inline_completion"])
def test_a_name_is_understood_as_editors_and_as_toml_files_write_it(key: str) -> None:
    check({key: False}, {"inline_completion": False})


def test_what_is_null_is_not_set() -> None:
    check({"enable": None, "threads": 2}, {"threads": 2})
    check(None, {})


@pytest.mark.parametrize(
    ("key", "usable", "unusable"),
    [
        ("enable", [True, False], [1, 0, "true", []]),
        ("minConfidence", [0, 0.5, 1], [-0.1, 1.1, "0.5", True, float("nan")]),
        ("inlineCompletionMinConfidence", [0, 0.5, 1], [-0.1, 1.1, "0.5", True, float("nan")]),
        ("multiLine", ["auto", "always", "never"], ["sometimes", True, ["auto"], {}]),
        ("completionFallback", ["auto", "never"], ["always", False]),
        ("doubtThreshold", [0, 0.25, 1], [2, "low"]),
        ("maxSuffixCharacters", [0, 8, 100], [-1, 8.5, True, float("inf")]),
        ("keepAlive", [0, -1, 0.5, 300], [-2, -0.5, "5m", True, float("inf")]),
        ("timeout", [0, 0.5, 60], [-1, "20 s", True, float("inf")]),
        ("threads", [0, 4], [-1, 1.0, "many"]),
    ],
)
def test_a_value_is_used_or_complained_about(key: str, usable: list[Any], unusable: list[Any]) -> None:
    for value in usable:
        values, complaints = personal_values({key: value})
        assert (list(values.values()), complaints) == ([value], [])
    for value in unusable:
        values, (complaint,) = personal_values({key: value})
        assert values == {}
        assert complaint.startswith(f"The setting {key!r} cannot be ")


def test_a_bad_value_does_not_spoil_a_good_one() -> None:
    check(
        {"threads": "many", "colour": 1, "liveDenoise": True},
        {"live_denoise": True},
        "The setting 'threads' cannot be 'many'; it is a whole number, at least 0.",
        "There is no setting 'colour'.",
    )


def test_a_long_value_is_quoted_in_part() -> None:
    _, (complaint,) = personal_values({"enable": "x" * 10_000})
    assert len(complaint) < 120


@pytest.mark.parametrize("options", [3, "x", [], True])
def test_settings_that_are_no_object_are_refused(options: object) -> None:
    check(options, {}, "The settings are not an object with names and values.")


def test_globs_have_to_be_globs() -> None:
    check({"disabledGlobs": ["migrations/**", "*.gen.py"]}, {"disabled_globs": ("migrations/**", "*.gen.py")})
    for value in ("*.py", [3], ["!a.py"], ["[z-a]"], {"a": 1}):
        values, (complaint,) = personal_values({"disabledGlobs": value})
        assert values == {}
        assert complaint.endswith("it is a list of globs as in .gitignore, without “!”.")


@pytest.mark.parametrize("key", ["allow-globs", "keep-alive", "threads"])
def test_what_is_personal_is_not_for_a_repository(key: str) -> None:
    assert project_values({key: []}) == (
        {},
        [f"The setting {key!r} is personal: set it in the editor, not in a repository."],
    )


@pytest.mark.parametrize("key", ["checkpoint", "device", "model", "path", "command", "host", "token"])
def test_a_repository_cannot_name_programs_paths_or_hosts(key: str) -> None:
    assert project_values({key: "x"}) == ({}, [f"There is no setting {key!r}."])


def test_a_repository_may_set_the_rest() -> None:
    options = {"enable": False, "min-confidence": 0.9, "multi-line": "never", "disabled-globs": ["vendor/"]}
    assert project_values(options) == (
        {"enable": False, "min_confidence": 0.9, "multi_line": "never", "disabled_globs": ("vendor/",)},
        [],
    )


def test_disabled_globs_add_up_and_the_rest_is_replaced() -> None:
    settings = Settings().with_values({"disabled_globs": ("a", "b"), "allow_globs": ("x",), "threads": 2})
    settings = settings.with_values({"disabled_globs": ("b", "c"), "allow_globs": ("y",)})
    assert settings == Settings(disabled_globs=("a", "b", "c"), allow_globs=("y",), threads=2)


def test_every_default_is_a_value_one_could_set() -> None:
    for found in fields(Settings):
        assert found.metadata["kind"].usable(found.default) == found.default, found.name


def test_every_setting_is_documented_with_its_default() -> None:
    rows = [line for line in DOCUMENTATION.read_text().splitlines() if line.startswith("| `")]
    expected = [
        f"| `{wire_name(found.name)}` | {shown(found.default)} | {found.metadata['help']}"
        f"{' *Personal.*' if found.metadata['is_personal'] else ''} |"
        for found in fields(Settings)
    ]
    assert rows == expected


def shown(default: object) -> str:
    if isinstance(default, bool):
        return str(default).lower()
    return "none" if default == () else str(default)
