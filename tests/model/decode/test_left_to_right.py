"""The base's own beam: what it writes has the likelihood that reading it alone gives, and agrees with what was cut."""

import numpy as np
import pytest
import torch
from redraft_model.decode.left_to_right import Continuation, LeftToRight, LeftToRightSettings
from redraft_model.decode.reading import Reader
from redraft_model.errors import Cancelled
from redraft_model.network.base import Base
from redraft_model.passage import Watch

CPU = torch.device("cpu")
PREFIXES = ["def f(x):\n    return x", "import os\n\nfor name in na", "a = [1, 2,\n     ", "", "x = 'é"]


def written(base: Base, prefix: str, settings: LeftToRightSettings) -> list[Continuation]:
    return LeftToRight(base, Reader(base), settings).lines(prefix)


def log_p_of_line(base: Base, prefix: str, tokens: list[int]) -> float:
    """The slow twin: the tokens and the end of the line, from one forward pass over everything."""
    tokenizer = base.tokenizer
    given = [base.start_id, *tokenizer.encode(prefix[: tokenizer.settled(prefix)]).tolist()]
    hidden = base.model(torch.tensor([[*given, *tokens]]))
    log_p = base.model.log_probabilities(hidden)[0]
    pieces = [tokenizer.decode_bytes([id_]) for id_ in range(log_p.shape[1])]
    ends = [id_ for id_, piece in enumerate(pieces) if b"\n" in piece or b"\r" in piece]
    total = sum(float(log_p[len(given) - 1 + i, token]) for i, token in enumerate(tokens))
    return total + float(log_p[-1, ends].logsumexp(0))


@pytest.mark.parametrize("prefix", PREFIXES)
@torch.inference_mode()
def test_a_text_is_as_likely_as_when_it_is_read_alone(base: Base, prefix: str) -> None:
    settings = LeftToRightSettings(beam=1, n_tokens=6, lead=1e9)
    writer = LeftToRight(base, Reader(base), settings)
    drafts: list[tuple[int, ...]] = []
    read_on = writer._read_on

    def recorded(read, before, rows, tokens):  # type: ignore[no-untyped-def]
        drafts.append((*(drafts[-1] if drafts else ()), tokens[0]))
        return read_on(read, before, rows, tokens)

    writer._read_on = recorded  # type: ignore[method-assign]
    found = writer.lines(prefix)
    assert found
    cut = prefix[base.tokenizer.settled(prefix) :]
    checked = 0
    for tokens in drafts:
        text = base.tokenizer.decode_bytes(tokens)
        assert text.startswith(cut.encode()) or cut.encode().startswith(text), "it agrees with what was cut"
        for each in found:
            if each.n_tokens == len(tokens):
                assert each.log_p == pytest.approx(log_p_of_line(base, prefix, list(tokens)), abs=1e-3)
                checked += 1
    assert checked or not prefix, "random bytes are no text"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_texts_stay_on_their_line_and_come_in_the_order_of_their_mean(base: Base, prefix: str) -> None:
    found = written(base, prefix, LeftToRightSettings(beam=4, n_tokens=6))
    assert all("\n" not in text.text and "\ufffd" not in text.text for text in found)
    assert [text.score for text in found] == sorted((text.score for text in found), reverse=True)
    assert len({text.text for text in found}) == len(found)


def test_a_prefix_that_was_read_is_not_read_again(base: Base) -> None:
    reader, seen = Reader(base), []
    hook = base.model.layers[0].register_forward_hook(lambda _m, inputs, _o: seen.append(inputs[0].shape[1]))
    writer = LeftToRight(base, reader, LeftToRightSettings(beam=2, n_tokens=2))
    prefix = "value = 1\n" * 12
    writer.lines(prefix + "oth")
    first = sum(seen)
    seen.clear()
    writer.lines(prefix + "other = v")
    hook.remove()
    assert sum(seen) < first / 2


def test_it_can_be_cancelled(base: Base) -> None:
    with pytest.raises(Cancelled):
        LeftToRight(base, Reader(base)).lines("x = ", Watch(is_cancelled=lambda: True))
    assert np.isfinite(written(base, "x = ", LeftToRightSettings(n_tokens=2))[0].log_p)
