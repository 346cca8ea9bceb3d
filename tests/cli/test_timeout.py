"""A file that takes too long is given up, in one sentence."""

from redraft_server import fixing
from redraft_server.document import Document
from redraft_server.report import Status

BROKEN = b"a = 1\nb = (1\nc = 3\n"
HOPELESS = b"a = [\n"


def result_of(engine, source: bytes, seconds: float, timeout: float = 20):
    """The result where a repair takes so many seconds."""
    times = iter([0.0, seconds])
    return fixing.fix(
        engine, Document.from_bytes(source), patch_name="app.py", timeout=timeout, clock=times.__next__
    )


def test_what_is_not_repaired_in_time_is_given_up(engine) -> None:
    result = result_of(engine, HOPELESS, 20.0).result
    assert result.status is Status.UNFIXABLE
    assert result.reason == "no repair found within 20 s; give it more with --timeout"


def test_what_is_only_partly_repaired_in_time_is_given_up(engine) -> None:
    fixed = result_of(engine, BROKEN + HOPELESS, 7.0, timeout=2.5)
    assert fixed.result.status is Status.UNFIXABLE
    assert "2.5 s" in fixed.result.reason
    assert fixed.after == fixed.before
    assert result_of(engine, BROKEN + HOPELESS, 1.0).result.status is Status.PARTLY_FIXED


def test_a_repair_that_is_whole_counts_however_long_it_took(engine) -> None:
    assert result_of(engine, BROKEN, 21.0).result.status is Status.FIXED


def test_the_command_has_a_limit_and_takes_another(run, folder, engine, monkeypatch) -> None:
    (folder / "app.py").write_bytes(BROKEN)
    limits = []
    fix = fixing.fix
    monkeypatch.setattr(
        fixing, "fix", lambda *args, timeout, **options: limits.append(timeout) or fix(*args, **options)
    )
    for options in ([], ["--timeout", 0], ["--timeout", 1.5]):
        run("fix", *options, "app.py")
    assert limits == [20, 0, 1.5]
    for wrong in ("-1", "nan", "inf"):
        assert run("fix", "--timeout", wrong, "app.py").code == 2
