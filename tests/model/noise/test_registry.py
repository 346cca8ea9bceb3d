from random import Random

import numpy as np
import pytest
from redraft_model import noise
from redraft_model.noise import MaskNoise, SemanticNoise, SpanNoise, SyntaxNoise


def test_all_forward_processes_are_there() -> None:
    assert {"edit", "mask", "semantic", "span", "syntax"} <= set(noise.names())


def test_a_process_is_found_by_name_and_takes_its_settings() -> None:
    assert noise.text_process("syntax", again=0.5) == SyntaxNoise(again=0.5)
    assert noise.text_process("semantic") == SemanticNoise()
    assert noise.span_process("span") == SpanNoise()
    assert noise.token_process("mask", mask_id=3, block_size=8) == MaskNoise(3, 8)


def test_a_process_found_by_name_works() -> None:
    assert noise.text_process("syntax").corrupt("f(x)\n", Random(0)) != "f(x)\n"
    x_t = noise.token_process("edit", low=1, high=99).corrupt(
        np.array([5], np.int32), 1.0, np.random.default_rng(0)
    )
    assert x_t.tolist() != [5]


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(KeyError, match="semantic, syntax"):
        noise.text_process("mask")


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="'syntax'"):
        noise.register(noise.TEXT_PROCESSES)(SyntaxNoise)


def test_no_torch_is_loaded() -> None:
    import subprocess
    import sys

    code = "import sys, redraft_model.noise; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
