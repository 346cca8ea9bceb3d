"""One forward pass over regions through base and adapter, over one context that the base alone has read.

The canvases of a batch are drafts for one place: they have the same head and the same tail, and regions of whatever length. What
stands before is read once and kept by the reader, so that it is read on from there when it grows; what stands behind is kept until
it changes. Ids of canvases have our control tokens first (`BaseTokenizer.with_control_tokens`).
"""

# N canvases, R tokens of a row, V vocabulary with control tokens

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from redraft_model.decode.forward import Blocks
from redraft_model.decode.reading import Reader, on_device, positions
from redraft_model.network.cache import Cache
from redraft_model.network.region import (
    Contexts,
    RegionNetwork,
    by_heads,
    canvas_order,
    hidden_reference,
    network_ids,
)
from redraft_model.passage import UNWATCHED, Watch
from redraft_model.tokens.alignment import ANCHOR_ID, MASK_ID, PAD_ID
from redraft_model.tokens.canvas import Canvas
from redraft_model.tokens.tokenizer import SPECIALS

Ids = npt.NDArray[np.int32]
# Sets to -inf, in the log-probabilities (R + 1, V) of a region, what must not be written whatever the network says.
Restriction = Callable[[Ids, torch.Tensor], None]


class ContextReader:
    """Reads what stands around regions. Not thread-safe: it shares the reader with whoever judges or writes from the left."""

    def __init__(self, network: RegionNetwork, reader: Reader) -> None:
        self._network = network
        self._reader = reader
        self._suffix: tuple[bytes, Cache] | None = None

    def read(self, canvas: Canvas, watch: Watch = UNWATCHED) -> Contexts:
        """The context of a canvas, whose head has at least one token. Raises Cancelled.

        The last token of the head is read with the region: what is kept of it is seen by a suffix that is read after it alone.
        """
        model = self._network.base
        n = len(SPECIALS)
        is_alone = self._network.adapter.config.suffix == "alone"
        n_read = max(1, len(canvas.head) - is_alone)
        prefix = self._reader.read(canvas.head[:n_read] - n, watch).cache
        tail = canvas.tail - n
        lengths = torch.tensor([len(canvas.head)]), torch.tensor([len(tail)])
        if is_alone:
            start, suffix = 0, self._read_alone(tail)
        else:
            start = len(canvas.head) + len(canvas.region)
            suffix = model.read(on_device(tail[None], model), positions(start, len(tail), model), past=prefix)
        places = (each.to(model.embedding.weight.device) for each in (*lengths, torch.tensor([start])))
        return Contexts(by_heads(prefix), by_heads(suffix), *places)

    def _read_alone(self, tail: Ids) -> Cache:
        key = tail.tobytes()
        if self._suffix is None or self._suffix[0] != key:
            model = self._network.base
            self._suffix = key, model.read(on_device(tail[None], model))
        return self._suffix[1]


class RegionForward:
    """`Forward` of canvases that share their surroundings. A step recomputes the regions alone."""

    def __init__(
        self,
        network: RegionNetwork,
        contexts: ContextReader,
        restriction: Restriction = lambda region, log_p_TV: None,
        watch: Watch = UNWATCHED,
    ) -> None:
        self._network = network
        self._reader = contexts
        self._restriction = restriction
        self._watch = watch
        self._contexts: Contexts | None = None
        self._last_token = PAD_ID
        self._seen: dict[bytes, torch.Tensor] = {}
        self.n_forward = 0

    def refresh(self, canvases: Sequence[Canvas]) -> list[torch.Tensor]:
        """Log-probabilities (region + 1, V) of every region and its end marker."""
        if self._contexts is None:
            self._contexts = self._reader.read(canvases[0], self._watch)
            self._last_token = int(canvases[0].head[-1])
        keys = [canvas.region.tobytes() for canvas in canvases]
        new = {key: canvas for key, canvas in zip(keys, canvases, strict=True) if key not in self._seen}
        found = dict(zip(new, self._log_p([canvas.region for canvas in new.values()]), strict=True))
        # A step begins with what the last one ended with.
        self._seen = {key: found[key] if key in found else self._seen[key] for key in keys}
        return [self._seen[key].clone() for key in keys]

    def forget(self) -> None:
        """Look anew at regions that were seen; what stands around them is kept."""
        self._seen = {}

    def block(self, rows: Sequence[int], canvases: Sequence[Canvas], blocks: Blocks) -> list[torch.Tensor]:
        """Log-probabilities (end - start + 1, V) of one block of each region and of the token behind it."""
        del rows
        regions = self.refresh(canvases)
        return [log_p_TV[start : end + 1] for log_p_TV, (start, end) in zip(regions, blocks, strict=True)]

    def at_first_mask(self, rows: Sequence[int], canvases: Sequence[Canvas]) -> torch.Tensor:
        """Log-probabilities (N, V) at the first mask of each region."""
        del rows
        regions = zip(self.refresh(canvases), canvases, strict=True)
        return torch.stack([log_p[int((canvas.region == MASK_ID).argmax())] for log_p, canvas in regions])

    def _log_p(self, regions: Sequence[Ids]) -> list[torch.Tensor]:
        if not regions:
            return []
        assert self._contexts is not None, "refresh comes first"
        self.n_forward += 1
        network = self._network
        device = network.base.embedding.weight.device
        lengths = [len(region) + 2 for region in regions]
        rows = np.full((len(regions), max(lengths)), PAD_ID, np.int64)
        for row, region in zip(rows, regions, strict=True):
            row[: len(region) + 2] = [self._last_token, *region, ANCHOR_ID]
        rows_NR = network_ids(torch.from_numpy(rows), network.config.n_vocabulary).to(device)
        lengths_N = torch.tensor(lengths, device=device)
        hidden_NRW = network.hidden(rows_NR, lengths_N, self._contexts)
        log_p_NRV = canvas_order(network.log_probabilities(hidden_NRW, rows_NR))
        found = [log_p_RV[: len(region) + 1] for region, log_p_RV in zip(regions, log_p_NRV, strict=True)]
        for region, log_p_TV in zip(regions, found, strict=True):
            self._restriction(region, log_p_TV)
        return found


def log_p_reference(network: RegionNetwork, canvas: Canvas) -> torch.Tensor:
    """What `RegionForward.refresh` says of one canvas, (region + 1, V): everything as one sequence, without a cache."""
    n = network.config.n_vocabulary
    head, tail = (
        torch.from_numpy(ids.astype(np.int64)) - len(SPECIALS) for ids in (canvas.head, canvas.tail)
    )
    row = torch.from_numpy(np.array([canvas.head[-1], *canvas.region, ANCHOR_ID], np.int64))
    row_R = network_ids(row, n)
    hidden_RW = hidden_reference(network, head, tail, row_R)
    return canvas_order(network.log_probabilities(hidden_RW[None], row_R[None]))[0]
