"""Where settings come from: precedence, workspace folders, and pyproject.toml files nobody should trust."""

import os
from pathlib import Path
from typing import Any

import pytest
from redraft_server.configuration import MAX_PROJECT_BYTES, Configuration
from redraft_server.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "project"
    path.mkdir()
    return path


def project(folder: Path, text: str) -> tuple[Settings, list[str]]:
    """The settings of a file in `folder` whose pyproject.toml has `text`, and the complaints."""
    (folder / "pyproject.toml").write_text(text)
    return read(folder)


def read(folder: Path) -> tuple[Settings, list[str]]:
    uri = folder.as_uri()
    configuration, complaints = Configuration().with_folders([uri], []).with_projects_read()
    return configuration.for_document(uri + "/a.py"), complaints


def test_without_any_source_the_defaults_hold(folder: Path) -> None:
    assert read(folder) == (Settings(), [])
    assert Configuration().for_document("untitled:1") == Settings()


def test_a_later_source_wins_over_an_earlier_one(folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.redraft]\ndoubt-threshold = 0.1\n")
    uri = folder.as_uri()
    configuration, _ = Configuration().with_folders([uri], []).with_projects_read()
    assert configuration.for_document(uri + "/a.py").doubt_threshold == 0.1
    configuration, _ = configuration.with_initial({"doubtThreshold": 0.2})
    assert configuration.for_document(uri + "/a.py").doubt_threshold == 0.2
    configuration, _ = configuration.with_pushed({"redraft": {"doubtThreshold": 0.3}})
    assert configuration.for_document(uri + "/a.py").doubt_threshold == 0.3
    configuration, _ = configuration.with_answers({uri: {"doubtThreshold": 0.4}, None: {}})
    assert configuration.for_document(uri + "/a.py").doubt_threshold == 0.4
    assert configuration.for_document("file:///elsewhere/a.py").doubt_threshold == 0.3
    assert configuration.general.doubt_threshold == 0.3


def test_a_source_that_speaks_again_replaces_what_it_said() -> None:
    configuration, _ = Configuration().with_pushed({"redraft": {"enable": False, "threads": 3}})
    configuration, _ = configuration.with_pushed({"redraft": {"threads": 4}})
    assert configuration.general == Settings(threads=4)


def test_null_falls_back_to_the_source_before() -> None:
    configuration, _ = Configuration().with_initial({"multiLine": "never"})
    configuration, complaints = configuration.with_answers({None: {"multiLine": None}})
    assert (configuration.general.multi_line, complaints) == ("never", [])


@pytest.mark.parametrize("options", [{"redraft": {"threads": 2}}, {"threads": 2}])
def test_settings_come_with_or_without_our_name_around_them(options: Any) -> None:
    assert Configuration().with_initial(options)[0].general.threads == 2
    assert Configuration().with_pushed(options)[0].general.threads == 2


def test_the_settings_of_other_servers_are_nobodys_mistake() -> None:
    assert Configuration().with_pushed({"python": {"x": 1}})[1] == []
    assert Configuration().with_pushed({})[1] == []
    assert Configuration().with_pushed({"redraft": {"x": 1}})[1] == ["There is no setting 'x'."]
    assert Configuration().with_initial({"x": 1})[1] == ["There is no setting 'x'."]


def test_the_innermost_folder_decides() -> None:
    configuration = Configuration().with_folders(["file:///a", "file:///a/b/c", "file:///a/b"], [])
    assert configuration.folder_of("file:///a/b/c/d/x.py") == "file:///a/b/c"
    assert configuration.folder_of("file:///a/b/x.py") == "file:///a/b"
    assert configuration.folder_of("file:///ab/x.py") is None
    assert configuration.folder_of("vscode-notebook-cell:/a/n.ipynb#1") == "file:///a"


def test_a_removed_folder_takes_its_settings_with_it() -> None:
    configuration = Configuration().with_folders(["file:///a", "file:///a/b"], [])
    configuration, _ = configuration.with_answers({"file:///a/b": {"enable": False}})
    assert not configuration.for_document("file:///a/b/x.py").enable
    configuration = configuration.with_folders([], ["file:///a/b"])
    assert configuration.for_document("file:///a/b/x.py").enable
    assert configuration.with_folders(["file:///a/b"], []).for_document("file:///a/b/x.py").enable


def test_a_project_tunes_behaviour_and_nothing_else(folder: Path) -> None:
    settings, complaints = project(
        folder,
        '[tool.redraft]\nmulti-line = "never"\ncheckpoint = "evil"\nthreads = 64\nenable = "no"\n',
    )
    assert settings == Settings(multi_line="never")
    where = folder / "pyproject.toml"
    assert complaints == [
        f"{where}: There is no setting 'checkpoint'.",
        f"{where}: The setting 'threads' is personal: set it in the editor, not in a repository.",
        f"{where}: The setting 'enable' cannot be 'no'; it is true or false.",
    ]


@pytest.mark.parametrize("text", ["", "[tool]\n", "[tool.ruff]\nx = 1\n", "tool = 3\n", "[project]\n"])
def test_a_project_need_not_mention_us(folder: Path, text: str) -> None:
    assert project(folder, text) == (Settings(), [])


@pytest.mark.parametrize("text", ["[tool.redraft", "a = \n", "x = 1\nx = 2\n", "[" * 5_000, "\0"])
def test_broken_toml_is_one_complaint(folder: Path, text: str) -> None:
    settings, (complaint,) = project(folder, text)
    assert settings == Settings()
    assert complaint.startswith(
        f"{folder / 'pyproject.toml'}: The file is not valid TOML, so it is ignored: "
    )


def test_bytes_that_are_no_text_are_one_complaint(folder: Path) -> None:
    (folder / "pyproject.toml").write_bytes(b"\xff\xfe")
    assert len(read(folder)[1]) == 1


def test_while_a_project_is_broken_its_settings_stay(folder: Path) -> None:
    (folder / "pyproject.toml").write_text('[tool.redraft]\ndisabled-globs = ["a.py"]\n')
    configuration, _ = Configuration().with_folders([folder.as_uri()], []).with_projects_read()
    (folder / "pyproject.toml").write_text("[tool.redr")
    configuration, complaints = configuration.with_projects_read()
    assert configuration.for_document(folder.as_uri() + "/a.py").disabled_globs == ("a.py",)
    assert len(complaints) == 1
    (folder / "pyproject.toml").unlink()
    configuration, complaints = configuration.with_projects_read()
    assert configuration.for_document(folder.as_uri() + "/a.py") == Settings()
    assert complaints == []


def test_a_large_project_file_is_not_read(folder: Path) -> None:
    text = "[tool.redraft]\nenable = false\n"
    settings, complaints = project(folder, text + "#" * (MAX_PROJECT_BYTES - len(text)))
    assert (settings.enable, complaints) == (False, [])
    settings, complaints = project(folder, text + "#" * (MAX_PROJECT_BYTES - len(text) + 1))
    assert settings.enable
    assert complaints == [
        f"{folder / 'pyproject.toml'}: This is no file of at most 1,000,000 bytes, so it is ignored."
    ]


def test_a_link_may_lead_to_a_file_in_the_same_folder_only(folder: Path) -> None:
    outside = folder.parent / "outside.toml"
    for target, expected in ((folder / "shared.toml", False), (outside, True)):
        target.write_text("[tool.redraft]\nenable = false\n")
        (folder / "pyproject.toml").unlink(missing_ok=True)
        (folder / "pyproject.toml").symlink_to(target)
        settings, complaints = read(folder)
        assert settings.enable is expected
        assert len(complaints) == expected


@pytest.mark.parametrize("target", ["/dev/zero", "pyproject.toml", "/nowhere"])
def test_a_link_to_a_device_to_itself_or_to_nothing_harms_nobody(folder: Path, target: str) -> None:
    (folder / "pyproject.toml").symlink_to(target)
    settings, complaints = read(folder)
    assert settings == Settings()
    assert len(complaints) <= 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_not_waited_for(folder: Path) -> None:
    os.mkfifo(folder / "pyproject.toml")
    assert len(read(folder)[1]) == 1


def test_a_folder_that_is_somewhere_else_has_no_project() -> None:
    configuration = Configuration().with_folders(["vscode-remote://box/srv/a"], [])
    assert configuration.with_projects_read() == (configuration, [])


def test_a_project_is_for_the_oldest_python_it_requires(folder: Path) -> None:
    requires = '[project]\nrequires-python = ">=3.11"\n'
    assert project(folder, requires) == (Settings(target_version="3.11"), [])
    assert project(folder, requires)[0].target == (3, 11)
    settings, _ = project(folder, requires + '[tool.redraft]\ntarget-version = "newest"\n')
    assert (settings.target_version, settings.target) == ("newest", None)
    settings, complaints = project(folder, "[tool.redraft]\ntarget-version = 3.11\n")
    assert settings == Settings()
    assert "target-version" in complaints[0]
