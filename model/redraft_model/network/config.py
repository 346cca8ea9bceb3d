"""The network's shape as one frozen value, and the named sizes."""

from dataclasses import asdict, dataclass
from typing import Any

from redraft_model.errors import CheckpointError
from redraft_model.text.parser import N_KINDS


@dataclass(frozen=True)
class ModelConfig:
    """Everything needed to build the network; three axes (attention_block, logit_shift, special ids) cover open checkpoints."""

    n_vocabulary: int
    width: int
    n_layers: int
    n_heads: int
    n_kv_heads: int
    feed_forward: int
    context: int = 512  # longest sequence seen in training, in tokens
    rotary_base: float = 10_000.0
    norm_eps: float = 1e-6
    qk_norm: bool = True
    qkv_bias: bool = False
    tied: bool = True  # output matrix = embedding matrix
    attention_block: int = 0  # 0: full attention; b > 0: block-causal with blocks of b tokens, 1: causal
    logit_shift: int = 0  # 1: the logits at position i - 1 belong to token i
    n_neighbours: int = 0  # tokens on each side that are mixed into a token's embedding
    n_marks: int = 0  # kinds of complaints of a parser whose place can be marked
    mask_id: int | None = 0  # None: it has no mask, and every id can be an answer

    def __post_init__(self) -> None:
        sizes = (
            self.n_vocabulary,
            self.width,
            self.n_layers,
            self.n_heads,
            self.n_kv_heads,
            self.feed_forward,
        )
        if any(size < 1 for size in sizes):
            raise CheckpointError("every size of the network must be at least 1; correct config.json")
        if self.width % self.n_heads or (self.width // self.n_heads) % 2:
            raise CheckpointError(
                f"width {self.width} must be an even multiple of n_heads {self.n_heads}; correct config.json"
            )
        if self.n_heads % self.n_kv_heads:
            raise CheckpointError(
                f"n_heads {self.n_heads} must be a multiple of n_kv_heads {self.n_kv_heads}; correct config.json"
            )
        if self.logit_shift not in (0, 1) or self.attention_block < 0:
            raise CheckpointError(
                "logit_shift is 0 or 1 and attention_block is not negative; correct config.json"
            )
        if not 0 <= self.n_neighbours <= 8 or (self.n_neighbours and self.attention_block):
            raise CheckpointError(
                "n_neighbours is 0 to 8, and 0 beside an attention_block; correct config.json"
            )

        if not 0 <= self.n_marks <= 256:
            raise CheckpointError("n_marks is 0 to 256; correct config.json")

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.n_heads

    @classmethod
    def named(cls, size: str, n_vocabulary: int, mask_id: int = 0, context: int = 512) -> "ModelConfig":
        """One of SIZES with the given vocabulary."""
        if size not in SIZES:
            raise CheckpointError(f"there is no size {size!r}; choose one of {', '.join(SIZES)}")
        width, n_layers, n_heads, n_kv_heads, feed_forward = SIZES[size]
        return cls(
            n_vocabulary,
            width,
            n_layers,
            n_heads,
            n_kv_heads,
            feed_forward,
            context=context,
            n_neighbours=2,
            n_marks=N_KINDS,
            mask_id=mask_id,
        )

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "ModelConfig":
        """Inverse of `to_json`; unknown or missing fields raise CheckpointError."""
        try:
            return cls(**data)
        except TypeError as error:
            raise CheckpointError(
                f"config.json does not fit this version ({error}); get a matching checkpoint"
            ) from error

    def to_json(self) -> dict[str, Any]:
        """A plain dict for config.json."""
        return asdict(self)


# size: width, layers, heads, key/value heads, feed-forward width
SIZES: dict[str, tuple[int, int, int, int, int]] = {
    "nano": (64, 2, 2, 2, 176),  # tests
    "tiny": (256, 6, 4, 4, 704),  # about 7 M parameters with 8k entries
    "small": (512, 12, 8, 8, 1408),  # about 44 M
}
