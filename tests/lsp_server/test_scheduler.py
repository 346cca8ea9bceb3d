"""Who is asked first, and what becomes of the engine process: the real process around the fake engine."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from redraft_model.errors import Cancelled, CheckpointError, RedraftError
from redraft_model.passage import DenoiseStep, Passage
from redraft_server.engine import scheduler as scheduling
from redraft_server.engine.child import EngineLost
from redraft_server.engine.job import Priority
from redraft_server.engine.requests import Complete, FindDoubts, Repair, Rewrite
from redraft_server.engine.scheduler import KEEP_FOR_EVER, Overloaded, Scheduler, State

BROKEN = "retrun 1\n"
SECONDS = 300.0  # only a test that hangs waits so long


class Bench:
    """A scheduler, and what its engine has noted."""

    def __init__(self, log: Path, *options: str) -> None:
        self._log = log
        fake = str(Path(__file__).with_name("fake_engine.py"))
        self.scheduler = Scheduler([sys.executable, fake, str(log), *options])

    @property
    def log(self) -> list[str]:
        return self._log.read_text().split("\n")[:-1] if self._log.exists() else []

    def let_go(self) -> None:
        """Let the engine go on with what is held."""
        self._log.with_name(self._log.name + ".go").touch()

    async def logged(self, line: str, n_times: int = 1) -> None:
        await self.until(lambda: self.log.count(line) >= n_times)

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS):
            while not is_so():
                await asyncio.sleep(0.005)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "engine.log")
    yield bench
    await bench.scheduler.close()


HELD = Repair("# held\n" + BROKEN)
HELD_FOR_A_WHILE = [
    Repair("# held\n" + BROKEN, timeout=0.01),
    Rewrite(Passage("# held\n", BROKEN, ""), timeout=0.01),
]


def slow() -> Repair:
    return Repair("# steps: 100000\n" + BROKEN)


def completion(before: str, n_drafts: int = 1, *, single_line: bool = False) -> Complete:
    return Complete(Passage(before, "", ""), n_drafts, single_line=single_line)


async def test_every_kind_of_request_is_answered_with_its_values(bench: Bench) -> None:
    start = bench.scheduler.start
    assert (await start(Repair(BROKEN)).answer()).text == "return 1\n"
    (draft,) = await start(completion('# drafts: ["a"]\n')).answer()
    assert draft.text == "a"
    (draft,) = await start(Rewrite(Passage("", "abc", ""), "repair", seed=7)).answer()
    assert draft.text == "ABC"
    assert "rewrite repair n_drafts=1 seed=7" in bench.log
    (doubt,) = await start(FindDoubts("x = wrong\n")).answer()
    assert (doubt.span.start, doubt.span.end, doubt.proposal) == (4, 9, "right")
    assert bench.log.count("loaded") == 1


async def test_nothing_is_started_before_somebody_asks(bench: Bench) -> None:
    assert bench.scheduler.status.state is State.UNLOADED
    await asyncio.sleep(0)
    assert bench.log == []


async def test_typing_goes_before_what_was_chosen_and_that_before_background_work(bench: Bench) -> None:
    start = bench.scheduler.start
    running = start(HELD)
    await bench.logged("repair semantic=False")
    jobs = [
        start(FindDoubts("x"), priority=Priority.BACKGROUND),
        start(Repair(BROKEN, semantic=True), priority=Priority.CHOSEN),
        start(completion("x"), priority=Priority.TYPING),
    ]
    bench.let_go()
    await asyncio.gather(running.answer(), *(job.answer() for job in jobs))
    order = [line.split()[0] for line in bench.log if line.split()[0] in ("repair", "complete", "doubt")]
    assert order == ["repair", "complete", "repair", "doubt"]


async def test_background_work_gives_way_while_it_runs_and_is_done_later(bench: Bench) -> None:
    background = bench.scheduler.start(HELD, priority=Priority.BACKGROUND)
    await bench.logged("repair semantic=False")
    await bench.scheduler.start(completion("x"), priority=Priority.TYPING).answer()
    assert not background.is_over
    bench.let_go()
    assert (await background.answer()).text.endswith("return 1\n")
    assert [line for line in bench.log if line in ("cancelled", "batch of 1")] == ["cancelled", "batch of 1"]


async def test_only_the_newest_of_its_kind_counts(bench: Bench) -> None:
    jobs = [bench.scheduler.start(completion(f"{n}"), newest_of=("a", "uri")) for n in range(5)]
    other = bench.scheduler.start(completion("other"), newest_of=("b", "uri"))
    for job in jobs[:-1]:
        with pytest.raises(Cancelled):
            await job.answer()
    assert await jobs[-1].answer() == []
    assert await other.answer() == []


async def test_completions_that_wait_together_are_one_batch(bench: Bench) -> None:
    running = bench.scheduler.start(HELD)
    await bench.logged("repair semantic=False")
    several = [bench.scheduler.start(completion(f'# drafts: ["{n}"]\n')) for n in range(5)]
    alone = bench.scheduler.start(completion("x", single_line=True))
    bench.let_go()
    answers = [await job.answer() for job in [running, *several, alone][1:]]
    assert [[draft.text for draft in drafts] for drafts in answers] == [["0"], ["1"], ["2"], ["3"], ["4"], []]
    assert [line for line in bench.log if line.startswith("batch")] == ["batch of 5", "batch of 1"]


async def test_a_batch_has_a_bound(bench: Bench) -> None:
    running = bench.scheduler.start(HELD)
    await bench.logged("repair semantic=False")
    jobs = [bench.scheduler.start(completion(str(n), n_drafts=3)) for n in range(7)]
    bench.let_go()
    await asyncio.gather(running.answer(), *(job.answer() for job in jobs))
    assert [line for line in bench.log if line.startswith("batch")] == ["batch of 5", "batch of 2"]


async def test_cancelling_one_of_a_batch_leaves_the_others(bench: Bench) -> None:
    running = bench.scheduler.start(HELD)
    await bench.logged("repair semantic=False")
    dull = bench.scheduler.start(completion("# steps: 100000\n"))
    good = bench.scheduler.start(completion('# drafts: ["a"]\n'))
    bench.let_go()
    await bench.logged("batch of 2")
    dull.cancel()
    assert [draft.text for draft in await good.answer()] == ["a"]
    await running.answer()
    assert "cancelled" in bench.log


async def test_a_cancelled_job_is_settled_at_once_and_stops_within_a_step(bench: Bench) -> None:
    steps: list[DenoiseStep] = []
    job = bench.scheduler.start(slow(), on_step=steps.append)
    await bench.until(lambda: len(steps) >= 3)
    job.cancel()
    assert job.is_over
    with pytest.raises(Cancelled):
        await job.answer()
    await bench.logged("cancelled")
    assert (await bench.scheduler.start(Repair(BROKEN)).answer()).text == "return 1\n"
    assert bench.log.count("loaded") == 1


async def test_who_stops_waiting_cancels(bench: Bench) -> None:
    task = asyncio.ensure_future(bench.scheduler.start(slow()).answer())
    await bench.logged("repair semantic=False")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await bench.logged("cancelled")


async def test_a_job_that_was_cancelled_while_it_waited_never_reaches_the_engine(bench: Bench) -> None:
    running = bench.scheduler.start(HELD)
    await bench.logged("repair semantic=False")
    bench.scheduler.start(completion("x")).cancel()
    bench.let_go()
    await running.answer()
    await bench.scheduler.start(Repair(BROKEN)).answer()
    assert not any(line.startswith("batch") for line in bench.log)


async def test_a_deadline_cancels(bench: Bench) -> None:
    await bench.scheduler.start(Repair(BROKEN)).answer()
    with pytest.raises(Cancelled):
        await bench.scheduler.start(slow(), deadline=0.1).answer()
    # The engine is free again, whether it had begun or not.
    assert (await bench.scheduler.start(Repair(BROKEN)).answer()).text == "return 1\n"


async def test_a_step_that_never_ends_is_ended_with_its_process(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "SECONDS_TO_NOTICE", 0.2)
    job = bench.scheduler.start(Repair("# stuck\n" + BROKEN))
    await bench.logged("repair semantic=False")
    job.cancel()
    assert (await bench.scheduler.start(Repair(BROKEN)).answer()).text == "return 1\n"
    assert bench.log.count("loaded") == 2


async def test_the_queue_is_bounded(bench: Bench) -> None:
    bench.scheduler.start(slow())
    await bench.logged("repair semantic=False")
    for _ in range(scheduling.MAX_WAITING):
        bench.scheduler.start(Repair(BROKEN))
    with pytest.raises(Overloaded, match="try again"):
        bench.scheduler.start(Repair(BROKEN))


async def test_steps_tell_their_text_only_to_those_who_want_it(bench: Bench) -> None:
    steps: list[DenoiseStep] = []
    await bench.scheduler.start(Repair(BROKEN), on_step=steps.append).answer()
    assert [(step.index, step.limit, step.text) for step in steps] == [(1, 3, ""), (2, 3, ""), (3, 3, "")]
    steps.clear()
    await bench.scheduler.start(Repair(BROKEN), on_step=steps.append, tells_text=True).answer()
    assert steps[0].text == "return 1\n"


async def test_a_crash_fails_what_was_running_and_nothing_else(bench: Bench) -> None:
    await bench.scheduler.start(Repair(BROKEN)).answer()
    crashing = bench.scheduler.start(Repair("# crash\n"))
    waiting = bench.scheduler.start(Repair(BROKEN))
    with pytest.raises(EngineLost, match="started again"):
        await crashing.answer()
    assert (await waiting.answer()).text == "return 1\n"
    assert bench.scheduler.status.n_lost == 1
    assert bench.log.count("loaded") == 2


async def test_a_process_that_is_killed_while_it_idles_is_started_again_at_once(bench: Bench) -> None:
    await bench.scheduler.start(Repair(BROKEN)).answer()
    pid = bench.scheduler.status.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await bench.until(lambda: bench.scheduler.status.pid not in (None, pid))
    assert bench.scheduler.state is State.READY
    assert (await bench.scheduler.start(Repair(BROKEN)).answer()).text == "return 1\n"


async def test_a_process_that_is_killed_again_and_again_waits_until_it_is_needed(bench: Bench) -> None:
    await bench.scheduler.start(Repair(BROKEN)).answer()
    for _ in range(2):
        pid = bench.scheduler.status.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await bench.until(lambda pid=pid: bench.scheduler.status.pid != pid)
        await bench.until(lambda: bench.scheduler.state in (State.READY, State.LOST))
    assert bench.scheduler.state is State.LOST
    assert bench.log.count("loaded") == 2
    assert (await bench.scheduler.start(Repair(BROKEN)).answer()).text == "return 1\n"


async def test_a_process_that_keeps_stopping_is_not_started_all_the_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "_PAUSES", (0.0, 0.0, 0.0, 3600.0))
    messages = []
    for _ in range(5):
        with pytest.raises(EngineLost) as caught:
            await bench.scheduler.start(Repair("# crash\n")).answer()
        messages.append(str(caught.value))
    assert "keeps stopping" in messages[-1]
    assert bench.log.count("loaded") < 5


async def test_a_checkpoint_that_cannot_be_used_is_a_sentence_for_all_who_wait(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "engine.log", "--no-checkpoint")
    jobs = [bench.scheduler.start(Repair(BROKEN)) for _ in range(3)]
    for job in jobs:
        with pytest.raises(CheckpointError, match="pass --checkpoint"):
            await job.answer()
    assert bench.scheduler.state is State.REFUSED
    await bench.scheduler.close()


async def test_a_program_that_is_not_there_is_a_sentence() -> None:
    scheduler = Scheduler(["/nowhere/python"])
    with pytest.raises(EngineLost, match="cannot be started"):
        await scheduler.start(Repair(BROKEN)).answer()
    await scheduler.close()


async def test_a_mistake_of_ours_fails_who_waits_and_nobody_after_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.delattr(Scheduler, "_receive")
        jobs = [bench.scheduler.start(Repair(BROKEN)) for _ in range(2)]
        for job in jobs:
            with pytest.raises(RedraftError, match="its log says where"):
                await job.answer()
    assert (await bench.scheduler.start(Repair(BROKEN)).answer()).text == "return 1\n"


async def test_an_idle_process_is_ended_and_started_by_the_next_job(bench: Bench, tmp_path: Path) -> None:
    bench.scheduler.configure(n_threads=0, keep_alive=0.1)
    await bench.scheduler.start(Repair(BROKEN)).answer()
    pid = bench.scheduler.status.pid
    await bench.until(lambda: bench.scheduler.state is State.UNLOADED)
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        await bench.until(lambda: os.kill(pid, 0) is not None)
    bench.scheduler.configure(n_threads=0, keep_alive=KEEP_FOR_EVER)
    await bench.scheduler.start(Repair(BROKEN)).answer()
    other = Bench(tmp_path / "other.log")
    other.scheduler.configure(n_threads=0, keep_alive=0.1)
    await other.scheduler.start(Repair(BROKEN)).answer()
    await other.until(lambda: other.scheduler.state is State.UNLOADED)
    await other.scheduler.close()
    assert bench.scheduler.state is State.READY, "it has been idle for longer"


async def test_unloading_waits_for_nobody_and_disturbs_nobody(bench: Bench) -> None:
    job = bench.scheduler.start(HELD)
    await bench.logged("repair semantic=False")
    await bench.scheduler.unload()
    bench.let_go()
    assert (await job.answer()).text.endswith("return 1\n")
    await bench.scheduler.unload()
    assert bench.scheduler.status.pid is None


async def test_the_state_is_told_as_it_changes(bench: Bench) -> None:
    told: list[str] = []
    stop = bench.scheduler.listen(lambda status: told.append(str(status.state)))
    await bench.scheduler.start(Repair(BROKEN)).answer()
    await bench.until(lambda: told[-1:] == ["ready"])
    assert told == ["loading", "ready", "busy", "ready"]
    stop()
    await bench.scheduler.unload()
    assert told[-1] == "ready"


async def test_status_says_what_runs_and_what_it_holds(bench: Bench) -> None:
    await bench.scheduler.start(Repair(BROKEN)).answer()
    status = bench.scheduler.status
    assert status.about is not None
    assert (status.about.name, status.n_waiting, status.n_lost) == ("fake", 0, 0)
    assert status.resident_bytes is None or status.resident_bytes > 1_000_000


async def test_closing_ends_the_process_whatever_it_is_doing(bench: Bench) -> None:
    job = bench.scheduler.start(Repair("# stuck\n" + BROKEN))
    await bench.logged("repair semantic=False")
    pid = bench.scheduler.status.pid
    async with asyncio.timeout(SECONDS):
        await bench.scheduler.close()
    with pytest.raises(Cancelled):
        await job.answer()
    assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_the_engine_process_ends_with_its_parent(tmp_path: Path) -> None:
    fake = Path(__file__).with_name("fake_engine.py")
    program = (
        "import asyncio, os, sys\n"
        "from redraft_server.engine.requests import Repair\n"
        "from redraft_server.engine.scheduler import Scheduler\n"
        "async def main():\n"
        "    scheduler = Scheduler([sys.executable, *sys.argv[1:]])\n"
        "    await scheduler.start(Repair('x = 1')).answer()\n"
        "    print(scheduler.status.pid, flush=True)\n"
        "    scheduler.start(Repair('# steps: 100000\\nretrun'))\n"
        "    while 'repair' not in open(sys.argv[2]).read().split('done')[1]:\n"
        "        await asyncio.sleep(0.01)\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(fake), str(tmp_path / "log"), stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    pid = int(out)
    async with asyncio.timeout(SECONDS):
        while _is_running(pid):
            await asyncio.sleep(0.02)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A container may have nobody who collects orphans.
    return ") Z " not in Path(f"/proc/{pid}/stat").read_text("ascii", "replace")


@pytest.mark.parametrize("request_", HELD_FOR_A_WHILE, ids=["repair", "rewrite"])
async def test_a_search_ends_with_what_it_has_when_its_time_is_up(
    bench: Bench, request_: Repair | Rewrite
) -> None:
    async with asyncio.timeout(SECONDS):
        assert await bench.scheduler.start(request_).answer()
    assert "late" in bench.log
