"""The files of a project that are most like a document."""

import os
from pathlib import Path

import pytest
from redraft_model.passage import LONGEST_CONTEXT
from redraft_server import project_files
from redraft_server.project_files import LONGEST_FILE, ProjectFiles

TEXT = "alpha = beta + gamma\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a document `app/own.py`."""
    write(tmp_path / "project" / "app" / "own.py", TEXT)
    return tmp_path / "project"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


async def chosen(files: ProjectFiles, folder: Path, workspace: Path | None = None) -> list[str]:
    """The texts of what is chosen for the document."""
    own = folder / "app" / "own.py"
    files.like(own, TEXT, workspace)
    await files.chosen()
    return [file.text for file in files.like(own, TEXT, workspace)]


async def test_the_files_that_are_most_like_the_document_come_first(folder: Path) -> None:
    write(folder / "app" / "little.py", "alpha = 1\n")
    write(folder / "lib" / "much.py", "alpha = beta\n")
    write(folder / "lib" / "nothing.py", "other = words\n")
    write(folder / "lib" / "notes.txt", TEXT)
    write(folder / ".venv" / "lib.py", TEXT)
    assert await chosen(ProjectFiles(), folder, folder) == ["alpha = beta\n", "alpha = 1\n"]


async def test_who_asks_does_not_wait_and_gets_what_was_found_before(folder: Path) -> None:
    write(folder / "app" / "other.py", "alpha = 1\n")
    files = ProjectFiles()
    own = folder / "app" / "own.py"
    assert files.like(own, TEXT, folder) == ()
    await files.chosen()
    assert len(files.like(own, TEXT, folder)) == 1


async def test_a_file_that_has_changed_is_read_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_files, "CHOICE_SECONDS", 3600.0)
    monkeypatch.setattr(project_files, "FOLDER_SECONDS", 3600.0)
    other = write(folder / "app" / "other.py", "alpha = 1\n")
    files = ProjectFiles()
    assert await chosen(files, folder, folder) == ["alpha = 1\n"]
    write(other, "alpha = 2\n")
    assert await chosen(files, folder, folder) == ["alpha = 1\n"], "it was looked at a moment ago"
    monkeypatch.setattr(project_files, "CHOICE_SECONDS", 0.0)
    assert await chosen(files, folder, folder) == ["alpha = 2\n"]
    write(folder / "app" / "new.py", TEXT)
    assert await chosen(files, folder, folder) == ["alpha = 2\n"], "folders are not walked through each time"
    monkeypatch.setattr(project_files, "FOLDER_SECONDS", 0.0)
    assert await chosen(files, folder, folder) == [TEXT, "alpha = 2\n"]
    other.unlink()
    assert await chosen(files, folder, folder) == [TEXT]


async def test_a_project_is_the_git_working_tree_where_there_is_no_workspace(folder: Path) -> None:
    write(folder / "lib" / "far.py", "alpha = beta\n")
    write(folder / "app" / "near.py", "beta = 1\n")
    assert await chosen(ProjectFiles(), folder) == ["beta = 1\n"]
    (folder / ".git").mkdir()
    write(folder / ".gitignore", "generated.py\n")
    write(folder / "lib" / "generated.py", "alpha = 2\n")
    assert await chosen(ProjectFiles(), folder) == ["alpha = beta\n", "beta = 1\n"]


async def test_a_home_is_no_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder / "lib" / "far.py", "alpha = 1\n")
    write(folder / "app" / "near.py", "beta = 1\n")
    monkeypatch.setattr(Path, "home", lambda: folder)
    assert await chosen(ProjectFiles(), folder, folder) == ["beta = 1\n"]
    assert await chosen(ProjectFiles(), folder, folder.parent) == ["beta = 1\n"]


async def test_of_a_large_project_the_files_next_to_the_document_are_known(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        write(folder / "aaa" / f"{name}.py", "alpha = 1\n")
    write(folder / "app" / "near.py", "beta = 1\n")
    monkeypatch.setattr(project_files, "N_FILES", 2)
    assert await chosen(ProjectFiles(), folder, folder) == ["alpha = 1\n", "alpha = 1\n", "beta = 1\n"]


async def test_what_is_too_long_is_no_text_or_leads_out_of_the_project_is_left_out(
    folder: Path, tmp_path: Path
) -> None:
    write(folder / "app" / "long.py", "alpha = 1\n" * (LONGEST_FILE // 10 + 1))
    (folder / "app" / "binary.py").write_bytes(b"alpha\0")
    (folder / "app" / "latin.py").write_bytes(b"alpha = '\xe4'\n")
    os.mkfifo(folder / "app" / "pipe.py")
    (folder / "app" / "link.py").symlink_to(write(tmp_path / "secret.py", "alpha = 1\n"))
    assert await chosen(ProjectFiles(), folder, folder) == []


async def test_no_more_is_read_than_can_be_looked_at(folder: Path) -> None:
    texts = [f"alpha = {number}\n" * (LONGEST_FILE // 13) for number in range(100, 106)]
    for number, text in enumerate(texts):
        write(folder / "app" / f"{number}.py", text)
    found = await chosen(ProjectFiles(), folder, folder)
    assert LONGEST_CONTEXT <= sum(map(len, found)) < LONGEST_CONTEXT + LONGEST_FILE
    assert len(found) < len(texts)


async def test_a_walk_ends_with_the_client(folder: Path) -> None:
    write(folder / "app" / "other.py", "alpha = 1\n")
    files = ProjectFiles()
    files.end()
    assert await chosen(files, folder, folder) == []


async def test_choices_for_many_documents_are_made_one_after_the_other(folder: Path) -> None:
    files = ProjectFiles()
    for number in range(2 * project_files.N_DOCUMENTS):
        files.like(write(folder / "app" / f"{number}.py", TEXT), TEXT, folder)
    await files.chosen()
    assert len(files.like(folder / "app" / "31.py", TEXT, folder)) > 1
    assert files.like(folder / "app" / "0.py", TEXT, folder) == (), "that was too long ago"
