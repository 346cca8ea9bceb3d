"""Histories: what git says of small repositories, made by git; nothing but the repository itself matters."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redraft_model.data.git_history import MAX_LINE, Commit, FileChange, Repository
from redraft_model.errors import DataError

TEN = "".join(f"value_{i} = {i}\n" for i in range(10))

NewRepository = Callable[[str], Any]


@pytest.fixture
def repository(new_repository: NewRepository) -> Any:
    return new_repository("project")


def commits(folder: Path, limit: int | None = None) -> list[Commit]:
    with Repository.open(folder).history(limit) as history:
        found = list(history)
        assert len(found) == history.n_commits
        return found


def newest(repository: Any) -> tuple[FileChange, ...]:
    return commits(repository.folder)[0].files


def counts(repository: Any) -> list[tuple[str, int, int]]:
    return [(change.path, change.n_hunks, change.n_lines) for change in newest(repository)]


def test_a_commit_has_its_message_and_the_files_it_changed(repository: Any) -> None:
    first = repository.commit({"a.py": TEN, "folder/b.py": TEN, "notes.txt": "x"}, "Begin\n")
    after = TEN.replace("= 2", "= 22") + "last = 1\n"
    second = repository.commit(
        {"folder/b.py": after, "notes.txt": "y", "c.py": TEN, "a.py": None}, "Go on\n\nWith more.\n"
    )
    found = commits(repository.folder)
    assert [commit.id for commit in found] == [second, first]
    assert [commit.message for commit in found] == ["Go on\n\nWith more.", "Begin"]
    assert found[1].files == ()
    # c.py has the contents of a.py, which was deleted: git calls that a rename.
    change, moved = sorted(found[0].files, key=lambda change: change.path, reverse=True)
    assert (change.old_path, change.path, change.n_hunks, change.n_lines) == (
        "folder/b.py",
        "folder/b.py",
        2,
        3,
    )
    assert (moved.old_path, moved.path, moved.n_hunks, moved.n_lines) == ("a.py", "c.py", 0, 0)
    with Repository.open(repository.folder).contents() as contents:
        assert contents.read(change.before, 1000) == TEN.encode()
        assert contents.read(change.after, 1000) == after.encode()
        assert contents.read(change.after, 10) is None
        assert contents.read(moved.after, 1000) == contents.read(moved.before, 1000) == TEN.encode()


def test_hunks_that_share_lines_around_them_are_one(repository: Any) -> None:
    repository.commit({"a.py": TEN * 2, "b.py": TEN * 2})
    near, far = (TEN * 2).split("\n"), (TEN * 2).split("\n")
    near[3] = near[10] = "changed"
    far[3] = far[11] = "changed"
    repository.commit({"a.py": "\n".join(near), "b.py": "\n".join(far)})
    assert counts(repository) == [("a.py", 1, 4), ("b.py", 2, 4)]


def test_merges_are_left_out_and_their_branches_are_not(repository: Any) -> None:
    repository.commit({"a.py": TEN, "b.py": TEN}, "begin")
    repository.git("checkout", "--quiet", "-b", "branch")
    repository.commit({"a.py": TEN + "x = 1\n"}, "there")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"b.py": TEN + "x = 1\n"}, "here")
    repository.git(
        "-c", "user.name=Some Body", "-c", "user.email=", "merge", "--quiet", "--no-edit", "branch"
    )
    assert repository.git("log", "--format=%p", "-1").count(" ") == 1
    assert sorted(commit.message for commit in commits(repository.folder)) == ["begin", "here", "there"]


def test_commits_are_read_that_a_branch_took_back(repository: Any) -> None:
    repository.commit({"a.py": TEN, "b.py": TEN}, "begin")
    repository.git("checkout", "--quiet", "-b", "branch")
    repository.commit({"a.py": TEN + "x = 1\n"}, "try")
    repository.commit({"a.py": TEN}, "give up")
    repository.git("checkout", "--quiet", "main")
    repository.commit({"b.py": TEN + "x = 1\n"}, "here")
    repository.git(
        "-c", "user.name=Some Body", "-c", "user.email=", "merge", "--quiet", "--no-edit", "branch"
    )
    assert sorted(commit.message for commit in commits(repository.folder)) == [
        "begin",
        "give up",
        "here",
        "try",
    ]


def test_a_rename_is_followed(repository: Any) -> None:
    repository.commit({"old.py": TEN})
    repository.commit({"old.py": None, "new/place.py": TEN.replace("= 5", "= 6")})
    (change,) = newest(repository)
    assert (change.old_path, change.path, change.n_hunks, change.n_lines) == ("old.py", "new/place.py", 1, 2)


def test_only_regular_files_of_plain_names_are_listed(repository: Any) -> None:
    names = ("plain.py", "größe.py", "two words.py", "a\tb.py", 'a"b.py', "text.pyi")
    repository.commit(dict.fromkeys(names, TEN))
    (repository.folder / "link.py").symlink_to("plain.py")
    repository.commit({})
    (repository.folder / "link.py").unlink()
    (repository.folder / "link.py").symlink_to("größe.py")
    repository.commit(dict.fromkeys(names, TEN + "x = 1\n"))
    assert sorted(change.path for change in newest(repository)) == ["größe.py", "plain.py", "two words.py"]


def test_text_that_looks_like_a_patch_is_text(repository: Any) -> None:
    lines = [
        "--- a/x.py",
        "+++ b/x.py",
        "@@ -1 +1 @@",
        "diff --git a/x b/x",
        ":100644 100644 1 2 M\tx",
        "\0x\0y\0",
        "",
        "-",
        "+",
    ]
    text = "\n".join([*lines, ""])
    repository.commit({"a.py": TEN + text})
    message = ":100644 100644 1 2 M\tx.py\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n+1"
    repository.commit({"a.py": text + TEN}, message)
    (commit, _) = commits(repository.folder)
    assert commit.message == message
    (change,) = commit.files
    # All that moved is removed in one place and added in another.
    assert (change.n_hunks, change.n_lines) == (2, 2 * min(len(lines), 10))


def test_without_a_line_break_at_its_end_a_file_is_counted_the_same(repository: Any) -> None:
    repository.commit({"a.py": "x = 1", "b.py": ""})
    repository.commit({"a.py": "x = 2", "b.py": "y = 1"}, "")
    assert counts(repository) == [("a.py", 1, 2), ("b.py", 1, 1)]
    assert commits(repository.folder)[0].message == ""


def test_a_line_of_any_length_is_one(repository: Any) -> None:
    long = f"x = '{'y' * 3 * MAX_LINE}'"
    repository.commit({"a.py": f"{long}\n{TEN}", "b.py": TEN}, "z" * 2 * MAX_LINE)
    repository.commit({"a.py": f"{long}1\n{TEN}", "b.py": TEN + "x = 1\n"})
    assert counts(repository) == [("a.py", 1, 2), ("b.py", 1, 1)]
    assert 0 < len(commits(repository.folder)[1].message) < MAX_LINE


def test_a_message_is_text_and_names_nobody(repository: Any) -> None:
    repository.commit(
        {"a.py": TEN}, "Fix\n\nReviewed-by: A <a@b.example>\nBecause.\n\nCo-authored-by: B <b@b.example>\n"
    )
    repository.git("config", "i18n.commitEncoding", "ISO-8859-1")
    repository.commit({"a.py": TEN * 2}, "Größe\n".encode("latin-1"))
    assert [commit.message for commit in commits(repository.folder)] == ["Größe", "Fix\n\nBecause."]


def test_only_the_newest_commits_are_read(repository: Any) -> None:
    for i in range(5):
        repository.commit({"a.py": f"x = {i}\n"}, f"python {i}")
        repository.commit({"a.txt": f"x = {i}\n"}, f"text {i}")
    assert [commit.message for commit in commits(repository.folder, 2)] == ["python 4", "python 3"]
    assert len(commits(repository.folder, 100)) == 5


def test_who_stops_early_leaves_no_process(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(300):
        (repository.folder / f"file_{i}.py").write_text(TEN * 20)
    repository.commit({})
    for i in range(300):
        (repository.folder / f"file_{i}.py").write_text("x = 1\n" * 200)
    repository.commit({})
    opened = Repository.open(repository.folder)
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            started.append(self)
            super().__init__(*args, **options)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with opened.history() as history, opened.contents():
        assert len(next(iter(history)).files) == 300
    assert len(started) == 3
    assert all(process.returncode is not None for process in started)


def test_no_configuration_matters(repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = TEN.replace("value", "size")
    repository.commit({"größe.py": TEN * 2, "b.py": TEN, "d.py": other})
    renamed = {"b.py": None, "c.py": TEN + "x = 1\n", "d.py": None, "e.py": other + "x = 1\n"}
    repository.commit({"größe.py": TEN + "\n" + TEN, **renamed}, "Größe")
    expected = commits(repository.folder)
    marker = tmp_path / "marker"
    settings = {
        "color.ui": "always",
        "core.pager": f"touch {marker}",
        "core.quotePath": "true",
        "diff.algorithm": "patience",
        "diff.context": "0",
        "diff.external": f"touch {marker}",
        "diff.interHunkContext": "9",
        "diff.mnemonicPrefix": "true",
        "diff.renames": "false",
        "diff.renameLimit": "1",
        "diff.suppressBlankEmpty": "true",
        "diff.mine.textconv": f"touch {marker} && cat",
        "format.pretty": "oneline",
        "i18n.logOutputEncoding": "ISO-8859-1",
        "log.showSignature": "true",
    }
    (repository.folder / ".git" / "info").mkdir(exist_ok=True)
    (repository.folder / ".git" / "info" / "attributes").write_text("*.py diff=mine\n")
    for name, value in settings.items():
        repository.git("config", name, value)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("[broken\n")
    monkeypatch.setenv("GIT_DIR", str(elsewhere))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(elsewhere))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {marker}")
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(tmp_path))
    assert commits(repository.folder) == expected
    assert len(expected[0].files) == 3
    assert not marker.exists()


def test_the_current_folder_does_not_matter(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    repository.commit({"a/b.py": TEN, "c.py": TEN})
    repository.commit({"a/b.py": TEN * 2, "c.py": TEN * 2})
    monkeypatch.chdir(repository.folder / "a")
    assert len(newest(repository)) == 2
    monkeypatch.chdir(repository.folder)
    assert len(commits(Path())[0].files) == 2


def test_a_bare_repository_is_as_good_as_a_work_tree(repository: Any, tmp_path: Path) -> None:
    repository.commit({"a.py": TEN})
    repository.commit({"a.py": TEN * 2})
    repository.git("clone", "--quiet", "--bare", repository.folder, tmp_path / "bare.git")
    repository.git("worktree", "add", "--quiet", "--detach", tmp_path / "other")
    expected = commits(repository.folder)
    for folder in (repository.folder / ".git", tmp_path / "bare.git", tmp_path / "other"):
        assert commits(folder) == expected


def test_files_at_head_are_known_by_their_paths(repository: Any) -> None:
    repository.commit({"a.py": TEN, "folder/größe\t.txt": "x"})
    (repository.folder / "link").symlink_to("a.py")
    repository.commit({})
    opened = Repository.open(repository.folder)
    files = opened.files()
    assert sorted(files) == ["a.py", "folder/größe\t.txt"]
    with opened.contents() as contents:
        assert contents.read(files["folder/größe\t.txt"], 9) == b"x"


@pytest.mark.parametrize(
    "url",
    [
        "https://forge.example/Owner/Project.git",
        "https://token:secret@forge.example/Owner/Project/",
        "ssh://git@forge.example:22/Owner/Project.git",
        "git@forge.example:Owner/Project.git",
        "/srv/git/Owner/Project.git",
        "file:///srv/git/Owner/Project",
    ],
)
def test_a_repository_is_called_what_its_remote_is(repository: Any, url: str) -> None:
    repository.commit({"a.py": TEN})
    repository.git("remote", "add", "before", "https://forge.example/me/fork")
    repository.git("remote", "add", "origin", url)
    opened = Repository.open(repository.folder)
    assert opened.name == "Owner/Project"
    assert opened.names == {"owner/project", "me/fork"}


def test_without_a_remote_it_is_called_what_its_folder_is(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.py": TEN})
    (repository.folder / ".git").rename(tmp_path / "Bare.git")
    assert Repository.open(tmp_path / "Bare.git").names == {"bare"}
    monkeypatch.chdir(tmp_path / "Bare.git")
    assert Repository.open(Path()).name == "Bare"


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        commits(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_what_is_no_repository_is_refused(repository: Any, tmp_path: Path) -> None:
    repository.commit({"folder/a.py": TEN})
    for folder in (
        tmp_path,
        tmp_path / "nowhere",
        repository.folder / "folder",
        repository.folder / "folder" / "a.py",
    ):
        assert f"{folder} is not a git repository" in refusal(folder)


def test_an_empty_history_is_refused(repository: Any) -> None:
    assert "has no commit" in refusal(repository.folder)


def test_a_history_without_python_is_short(repository: Any) -> None:
    repository.commit({"a.txt": "x"})
    assert commits(repository.folder) == []


def test_a_shallow_clone_is_refused(repository: Any, tmp_path: Path) -> None:
    repository.commit({"a.py": TEN})
    repository.commit({"a.py": TEN * 2})
    repository.git("clone", "--quiet", "--depth=1", repository.folder.as_uri(), tmp_path / "shallow")
    assert "git fetch --unshallow" in refusal(tmp_path / "shallow")


def test_without_git_there_is_one_sentence(
    repository: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.commit({"a.py": TEN})
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "git cannot be started" in refusal(repository.folder)


def stored(repository: Any, object_id: str) -> Path:
    path = repository.folder / ".git" / "objects" / object_id[:2] / object_id[2:]
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"damaged")])
def test_an_object_that_cannot_be_read_is_named(repository: Any, damage: Callable[[Path], None]) -> None:
    repository.commit({"a.py": TEN})
    repository.commit({"a.py": TEN * 2})
    (change,) = newest(repository)
    opened = Repository.open(repository.folder)
    damage(stored(repository, change.before))
    message = refusal(repository.folder)
    assert change.before in message
    assert "git fsck" in message
    with opened.contents() as contents:
        assert contents.read(change.after, 1000) == (TEN * 2).encode()
        with pytest.raises(DataError, match=change.before):
            contents.read(change.before, 1000)
        with pytest.raises(DataError, match="git fsck"):
            contents.read(change.after, 1000)


def test_a_commit_that_is_missing_is_named(repository: Any) -> None:
    first = repository.commit({"a.py": TEN})
    repository.commit({"a.py": TEN * 2})
    stored(repository, first).unlink()
    assert first in refusal(repository.folder)


def test_a_tree_that_is_missing_is_named(repository: Any) -> None:
    repository.commit({"a.py": TEN})
    tree = repository.git("rev-parse", "HEAD^{tree}").strip()
    opened = Repository.open(repository.folder)
    stored(repository, tree).unlink()
    with pytest.raises(DataError, match="git fsck"):
        opened.files()


def test_nothing_is_fetched(repository: Any, tmp_path: Path) -> None:
    repository.commit({"a.py": TEN})
    repository.commit({"a.py": TEN * 2})
    repository.git("config", "uploadpack.allowFilter", "true")
    partial = tmp_path / "partial"
    repository.git("clone", "--quiet", "--bare", "--filter=blob:none", repository.folder.as_uri(), partial)
    marker = tmp_path / "marker"
    for name, value in (
        ("protocol.allow", "always"),
        ("protocol.ext.allow", "always"),
        ("remote.origin.url", f"ext::touch {marker}"),
    ):
        repository.git("-C", partial, "config", name, value)
    assert "git cannot read" in refusal(partial)
    assert not marker.exists()
