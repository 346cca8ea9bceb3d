"""A small tokenizer and a small shard folder from the standard library, and a network that knows the right answers."""

import bisect
import heapq
import json
import shlex
import shutil
import string
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from rapidfuzz.distance import LCSseq
from redraft_model.data.build import build
from redraft_model.data.shards import Shards
from redraft_model.network.cache import Cache
from redraft_model.network.config import ModelConfig
from redraft_model.network.transformer import Transformer
from redraft_model.tokens.alignment import ANCHOR_ID, DELETE_ID, MASK_ID, insert_size, labels
from redraft_model.tokens.tokenizer import FILE_END, FILE_START, REGION, REGION_END, Tokenizer
from safetensors.torch import save_file

MODULES = (bisect, heapq, shlex, textwrap, string)


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Networks this small gain nothing from a second thread, and lose much when the cores are busy."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tokenizer_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tokenizer of 700 entries, learnt from a few hundred lines."""
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    Tokenizer.train((_source(module) for module in MODULES), 700).save(path)
    return path


@pytest.fixture(scope="session")
def tokenizer(tokenizer_file: Path) -> Tokenizer:
    return Tokenizer.load(tokenizer_file)


@pytest.fixture(scope="session")
def shard_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer_file: Path) -> Path:
    """Four modules to train on and one held out, in `train/` and `heldout/`."""
    folder = tmp_path_factory.mktemp("shards")
    sources = folder / "sources"
    sources.mkdir()
    for module in MODULES:
        shutil.copy(str(module.__file__), sources)
    build(
        [sources],
        folder / "data",
        tokenizer_file,
        decontaminate=None,
        n_workers=1,
        held_out=("textwrap",),
        progress=lambda *_: None,
    )
    return folder / "data"


@pytest.fixture(scope="session")
def shards(shard_folder: Path) -> Shards:
    return Shards.open(shard_folder / "train")


@pytest.fixture(scope="session")
def toy_base(tmp_path_factory: pytest.TempPathFactory, tiny_gguf: Path) -> Path:
    """A folder with a random base of two layers in the layout of Hugging Face, of more rows than its tokenizer has tokens."""
    return write_base(tmp_path_factory.mktemp("toy") / "base", tiny_gguf.with_name("tokenizer.json"), seed=0)


def write_base(folder: Path, tokenizer_file: Path, seed: int) -> Path:
    width, feed_forward, n_heads, n_kv_heads, n_vocabulary = 48, 80, 6, 2, 410
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.2 + (len(shape) == 1)

    weights = {"model.embed_tokens.weight": random(n_vocabulary, width), "model.norm.weight": random(width)}
    kv_width = width // n_heads * n_kv_heads
    for i in range(2):
        for name, shape in {
            "self_attn.q_proj": (width, width),
            "self_attn.k_proj": (kv_width, width),
            "self_attn.v_proj": (kv_width, width),
            "self_attn.o_proj": (width, width),
            "mlp.gate_proj": (feed_forward, width),
            "mlp.up_proj": (feed_forward, width),
            "mlp.down_proj": (width, feed_forward),
            "input_layernorm": (width,),
            "post_attention_layernorm": (width,),
        }.items():
            weights[f"model.layers.{i}.{name}.weight"] = random(*shape)
    config = {
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": n_vocabulary,
        "hidden_size": width,
        "num_hidden_layers": 2,
        "num_attention_heads": n_heads,
        "num_key_value_heads": n_kv_heads,
        "intermediate_size": feed_forward,
        "rope_theta": 100_000.0,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
    }
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    shutil.copy(tokenizer_file, folder / "tokenizer.json")
    return folder


@pytest.fixture(scope="session")
def oracle_of(tokenizer: Tokenizer) -> Callable[..., Transformer]:
    """Makes a network that answers every canvas with the labels on the way to one known text."""
    return lambda clean, confidence=0.95, ends_lines=False: Oracle(tokenizer, clean, confidence, ends_lines)


@pytest.fixture(scope="session")
def wild_of() -> Callable[..., Transformer]:
    """Makes a network with random weights, strong enough to answer differently everywhere."""

    def make(n_vocabulary: int, seed: int = 1, **shape: int) -> Transformer:
        config = ModelConfig.named("nano", n_vocabulary, MASK_ID)
        network = Transformer(replace(config, **shape))
        generator = torch.Generator().manual_seed(seed)
        for parameter in network.parameters():
            if parameter.ndim == 2:
                parameter.data.normal_(0, 0.25, generator=generator)
        return network.requires_grad_(False)

    return make


class Oracle(Transformer):
    """A network that gives the right label a probability of `confidence` at every position, and all others the same.

    Its hidden states are the right labels themselves (-1 outside the region), its cached values are the tokens. So a step
    over one block and a cache is answered from the whole canvas, put together again by position. One that `ends_lines` takes
    masks for the rest of one line.
    """

    def __init__(self, tokenizer: Tokenizer, clean: str, confidence: float, ends_lines: bool = False) -> None:
        super().__init__(ModelConfig.named("nano", tokenizer.n_vocabulary, MASK_ID))
        self.requires_grad_(False)
        self._tokenizer = tokenizer
        self._clean = clean
        self._sureness = confidence
        self._ends_lines = ends_lines

    def encode(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        *,
        lengths_B: torch.Tensor | None = None,
        wanted_BA: torch.Tensor | None = None,
        marks_BT: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, Cache]:
        del marks_BT
        B, T = tokens_BT.shape
        if positions_BT is None:
            positions_BT = torch.arange(T).expand(B, T)
        keys = torch.zeros(B, T, 1, self.config.head_width)
        values = tokens_BT.float()[:, :, None, None]
        hidden = self(tokens_BT, positions_BT, lengths_B=lengths_B, wanted_BA=wanted_BA)
        return hidden, Cache((keys,), (values,), positions_BT)

    def forward(
        self,
        tokens_BT: torch.Tensor,
        positions_BT: torch.Tensor | None = None,
        *,
        past: Cache | None = None,
        past_visible_BS: torch.Tensor | None = None,
        lengths_B: torch.Tensor | None = None,
        wanted_BA: torch.Tensor | None = None,
        marks_BT: torch.Tensor | None = None,
        is_widened: bool = False,
    ) -> torch.Tensor:
        del marks_BT
        if is_widened:
            n_beside = self.config.n_neighbours
            tokens_BT = tokens_BT[:, n_beside : tokens_BT.shape[1] - n_beside]
        B, T = tokens_BT.shape
        if positions_BT is None:
            positions_BT = torch.arange(T).expand(B, T)
        hidden_BTW = torch.full((B, T, 1), -1.0)
        for b in range(B):
            n = T if lengths_B is None else int(lengths_B[b])
            position, token = positions_BT[b, :n], tokens_BT[b, :n]
            if past is not None:
                assert past_visible_BS is not None
                seen = past_visible_BS[b]
                position = torch.cat([position, past.positions[b][seen]])
                token = torch.cat([token, past.values[0][b, :, 0, 0][seen].long()])
            order = position.argsort()
            assert position[order].tolist() == list(range(len(order))), "every position is there once"
            answer = torch.from_numpy(self._answers(token[order].numpy().astype(np.int32)))
            hidden_BTW[b, :n, 0] = answer[positions_BT[b, :n]].float()
        if wanted_BA is not None:
            return hidden_BTW.take_along_dim(wanted_BA[..., None], 1)
        return hidden_BTW

    def log_probabilities(self, hidden: torch.Tensor) -> torch.Tensor:
        n = self.config.n_vocabulary
        log_p = torch.full((*hidden.shape[:-1], n), (1 - self._sureness) / (n - 2)).log()
        log_p.scatter_(-1, hidden.long().clamp_min(0), float(np.log(self._sureness)))
        log_p[..., MASK_ID] = -torch.inf
        return log_p

    def _answers(self, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        """The right label of every position of the region and of its end marker, -1 elsewhere."""
        t = self._tokenizer
        (start,), (end,) = (
            np.flatnonzero(tokens == t.id_of(REGION)),
            np.flatnonzero(tokens == t.id_of(REGION_END)),
        )
        before = tokens[:start][tokens[:start] >= t.n_specials]
        behind = tokens[end:][tokens[end:] >= t.n_specials]
        shown = np.concatenate([before, tokens[start + 1 : end], behind])
        wanted = self._piece(t.decode(shown), t.id_of(FILE_START) in tokens, t.id_of(FILE_END) in tokens)
        answer = labels(shown, t.encode(wanted))[len(before) : len(before) + end - start]
        if not insert_size(int(answer[-1])):
            answer[-1] = ANCHOR_ID
        is_mask = tokens[start + 1 : end] == MASK_ID
        if self._ends_lines and is_mask.any():
            is_break = is_mask & t.breaks_line[np.maximum(answer[:-1], 0)]
            # A line break comes first where the line has not begun.
            is_break[0] = False
            answer[:-1][is_mask & (np.cumsum(is_break) > 0)] = DELETE_ID
        everywhere = np.full(len(tokens), -1, np.int32)
        everywhere[start + 1 : end + 1] = answer
        return everywhere

    def _piece(self, shown: str, is_start: bool, is_end: bool) -> str:
        """The part of the clean text that a window shows, found by the lines they have in common."""
        clean, lines = self._clean.split("\n"), shown.split("\n")
        # Empty lines are everywhere, so they say nothing about the place.
        ours = [line if line.strip() else i for i, line in enumerate(lines)]
        theirs = [line if line.strip() else -1 - i for i, line in enumerate(clean)]
        same = [op for op in LCSseq.opcodes(ours, theirs) if op.tag == "equal"]
        first, last = 0, len(clean) - 1
        if same:
            first = max(first, same[0].dest_start - same[0].src_start)
            last = min(last, same[-1].dest_end + len(ours) - same[-1].src_end - 1)
        low = 0 if is_start else sum(len(line) + 1 for line in clean[:first])
        high = len(self._clean) if is_end else sum(len(line) + 1 for line in clean[: last + 1]) - 1
        if not is_start and lines[0] == "":
            low += len(clean[first])  # the window starts with the end of that line
        return self._clean[low:high]


def _source(module: object) -> str:
    return Path(str(module.__file__)).read_text("utf-8")  # type: ignore[attr-defined]
