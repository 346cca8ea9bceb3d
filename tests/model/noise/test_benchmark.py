"""The benchmark of the forward processes: it times each of them, and the alignment, on real code."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from redraft_model.network.checkpoint_info import BUNDLED
from redraft_model.noise import SyntaxNoise
from redraft_model.tokens.tokenizer import Tokenizer

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "noise.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_the_noise", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_forward_process_is_timed(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(["--quick"]) == 0
    rows = re.findall(r"^\| (.+?) \| ([\d.]+) \| ([\d,]+) \| 20 \|$", capsys.readouterr().out, re.MULTILINE)
    assert [what.partition(",")[0] for what, _, _ in rows] == [
        *("mask noise", "edit noise", "span noise", "syntax noise", "semantic noise", "alignment"),
    ]
    assert all(float(milliseconds) > 0 < int(rate.replace(",", "")) for _, milliseconds, rate in rows)


def test_all_pieces_are_worked_on_once_each_with_a_seed_of_its_own(script: ModuleType) -> None:
    piece = script.Piece("x = (1)\n", [1, 2, 3])
    seen: list[int] = []
    row = script.timed("something", lambda _, seed: seen.append(seed), [piece] * 4, 7)
    assert seen == [7, 7, 8, 9, 10]
    assert (row.what, row.n) == ("something", 4)


def test_the_code_is_real(script: ModuleType) -> None:
    tokenizer = Tokenizer.load(BUNDLED / "tokenizer.json")
    pieces = script.functions(tokenizer)
    assert len(pieces) > 200
    assert all(tokenizer.decode(piece.ids) == piece.text for piece in pieces)
    works = script.works(tokenizer)
    assert works["syntax noise"](pieces[0], 3) == SyntaxNoise().corrupt(pieces[0].text, script.Random(3))
