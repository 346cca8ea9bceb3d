"""Drafts of a base under an adapter: the slow twin, what is cut and repeated, and lossless writing."""

import numpy as np
import pytest
import torch
from redraft_model.decode.drafter import Drafter, Drafting
from redraft_model.decode.lossless import Lossless
from redraft_model.decode.reading import Reader
from redraft_model.decode.region_forward import ContextReader, RegionForward, log_p_reference
from redraft_model.decode.sampler import NEVER, Sampling, denoise
from redraft_model.decode.selection import Thresholds
from redraft_model.errors import Cancelled
from redraft_model.network.adapter import AdapterConfig, new_adapter
from redraft_model.network.base import Base
from redraft_model.network.region import RegionNetwork, merged
from redraft_model.passage import DenoiseStep, Watch
from redraft_model.tokens.alignment import MASK_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

N = len(SPECIALS)
PREFIXES = ["def f(x):\n    return x", "import os\n\nfor name in na", "a = [1, 2,\n     ", "", "x = 'é"]
SUFFIXES = ["\n\n\nprint(f(1))\n", " + 1\n", ""]


@pytest.fixture(scope="module", params=["vocabulary-alone", "head-after_prefix"])
def network(base: Base, request: pytest.FixtureRequest) -> RegionNetwork:
    """A random base under a random adapter that changes what it says a lot."""
    labels, suffix = request.param.split("-")
    adapter = new_adapter(base.model, AdapterConfig(4, labels, suffix), seed=1)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, parameter in adapter.named_parameters():
            if name.endswith(".b") or name == "control_rows":
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    return merged(base.model, adapter)


def canvas_of(base: Base, prefix: str, suffix: str, region: list[int]) -> Canvas:
    head = np.concatenate([[base.start_id], base.tokenizer.encode(prefix)]).astype(np.int32) + N
    return Canvas(head, np.array(region, np.int32), (base.tokenizer.encode(suffix) + N).astype(np.int32))


@torch.inference_mode()
def test_regions_of_several_lengths_are_what_each_is_alone(base: Base, network: RegionNetwork) -> None:
    contexts = ContextReader(network, Reader(base))
    for prefix, suffix in zip(PREFIXES, [*SUFFIXES, *SUFFIXES], strict=False):
        canvases = [
            canvas_of(base, prefix, suffix, region)
            for region in ([MASK_ID] * 3, [MASK_ID, N + 40, MASK_ID], [N + 50, N + 60, MASK_ID])
        ]
        found = RegionForward(network, contexts).refresh(canvases)
        for canvas, log_p_TV in zip(canvases, found, strict=True):
            expected = log_p_reference(network, canvas)
            assert log_p_TV.shape == expected.shape == (4, base.model.config.n_vocabulary + N)
            torch.testing.assert_close(log_p_TV, expected, rtol=1e-3, atol=1e-3)


# A suffix that is read after the prefix stands at one distance from it.
@pytest.mark.parametrize("network", ["vocabulary-alone"], indirect=True)
@torch.inference_mode()
def test_regions_of_different_lengths_share_a_batch(base: Base, network: RegionNetwork) -> None:
    canvases = [canvas_of(base, PREFIXES[0], SUFFIXES[0], [MASK_ID] * n) for n in (2, 7, 4)]
    found = RegionForward(network, ContextReader(network, Reader(base))).refresh(canvases)
    for canvas, log_p_TV in zip(canvases, found, strict=True):
        torch.testing.assert_close(log_p_TV, log_p_reference(network, canvas), rtol=1e-3, atol=1e-3)


@torch.inference_mode()
def test_a_step_that_was_seen_is_not_computed_again(base: Base, network: RegionNetwork) -> None:
    forward = RegionForward(network, ContextReader(network, Reader(base)))
    canvas = canvas_of(base, PREFIXES[0], SUFFIXES[0], [MASK_ID] * 4)
    sampling = Sampling(Thresholds(fill=2.0, edit=NEVER))
    (trace,) = denoise(forward, [canvas], None, sampling)
    assert not (trace.canvas.region == MASK_ID).any()
    # One mask a step, or several that are deleted at once; the last step finds nothing to do.
    assert forward.n_forward <= 5


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_drafts_go_on_where_the_cursor_is_and_stay_on_their_line(
    base: Base, network: RegionNetwork, prefix: str, suffix: str
) -> None:
    drafting = Drafting(lengths=(2, 5), n_lengths=2, n_drafts=2)
    found = Drafter(base, network, Reader(base), drafting).lines(prefix, suffix)
    assert all("\n" not in draft.text and "\r" not in draft.text for draft in found)
    assert len({draft.text for draft in found}) == len(found)
    means = [draft.log_p / max(1, draft.n_tokens) for draft in found]
    assert means == sorted(means, reverse=True)


def test_the_same_seed_gives_the_same_drafts_whoever_read_before(base: Base, network: RegionNetwork) -> None:
    drafting = Drafting(lengths=(3, 6))
    first = Drafter(base, network, Reader(base), drafting).texts(PREFIXES[0], SUFFIXES[0], seed=4)
    reader = Reader(base)
    reader.read(base.tokenizer.encode("something else"))
    again = Drafter(base, network, reader, drafting)
    again.texts(PREFIXES[1], SUFFIXES[1], seed=4)
    assert [draft.text for draft in again.texts(PREFIXES[0], SUFFIXES[0], seed=4)] == [
        draft.text for draft in first
    ]


def test_steps_are_told_with_masks_in_the_place_and_can_be_cancelled(
    base: Base, network: RegionNetwork
) -> None:
    drafter = Drafter(base, network, Reader(base), Drafting(lengths=(6,)))
    steps: list[DenoiseStep] = []
    drafter.texts("value = 1\nx = ", "\n", Watch(on_step=steps.append))
    assert [step.index for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.text.startswith("value = 1\nx =") and step.text.endswith("\n") for step in steps)
    with pytest.raises(Cancelled):
        drafter.texts("value = 1\nx = ", "\n", Watch(is_cancelled=lambda: True))


@torch.inference_mode()
def greedy(base: Base, prefix: list[int], n_tokens: int, ends: frozenset[int]) -> list[int]:
    """The slow twin: one token after the other, each time from the beginning."""
    written: list[int] = []
    while len(written) < n_tokens and not (written and written[-1] in ends):
        hidden = base.model(torch.tensor([[*prefix, *written]]))
        written.append(int(base.model.logits(hidden[0, -1]).argmax()))
    return written


@pytest.mark.parametrize("n_masks", [0, 1, 4, 8])
@pytest.mark.parametrize("prefix", PREFIXES)
def test_lossless_writing_is_the_bases_own_text(
    base: Base, network: RegionNetwork, prefix: str, n_masks: int
) -> None:
    given = np.array([base.start_id, *base.tokenizer.encode(prefix)], np.int32)
    suffix = base.tokenizer.encode(SUFFIXES[0])
    writer = Lossless(base, network, Reader(base), n_masks)
    expected = greedy(base, given.tolist(), 12, frozenset())
    found = writer.text(given, suffix, 12)
    assert found.tokens.tolist() == expected
    ends = frozenset({expected[5]})
    assert writer.text(given, suffix, 12, ends).tokens.tolist() == greedy(base, given.tolist(), 12, ends)
    if not n_masks:
        assert found.n_drafted == 0
        assert found.n_verified == 11


def test_drafts_that_are_right_are_taken_in_one_pass(base: Base, network: RegionNetwork) -> None:
    given = np.array([base.start_id, *base.tokenizer.encode(PREFIXES[0])], np.int32)
    expected = greedy(base, given.tolist(), 12, frozenset())
    writer = Lossless(base, network, Reader(base), 5)

    def knowing(so_far, suffix, n, watch):  # type: ignore[no-untyped-def]
        n_written = len(so_far) - len(given)
        return np.array(expected[n_written : n_written + n], np.int32)

    writer._drafted = knowing  # type: ignore[method-assign]
    found = writer.text(given, base.tokenizer.encode(""), 12)
    assert found.tokens.tolist() == expected
    assert found.accepted == (5, 5)
    assert found.tokens_per_pass == 12 / 4
