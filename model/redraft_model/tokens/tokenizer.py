"""Byte-level BPE for code, lossless for any UTF-8 text.

- a line break and the indentation after it are one piece, so changing an indent is one substitution
- brackets, commas, colons and quotes never merge with their neighbours: adding one is one insertion
- digits are split; a word takes the one space before it along
- special tokens have the first ids and are never produced from text, whatever the text contains
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as BpeTokenizer

from redraft_model.errors import CheckpointError

Ids = npt.NDArray[np.int32]

INSERT_SIZES = (1, 2, 4, 8, 16)
ACTIONS = ("repair", "complete", "types", "idiom", "names", "docs", "instruct")
LANGUAGES = ("python",)

PAD, MASK, DELETE = "<|pad|>", "<|mask|>", "<|delete|>"
INSERTS = tuple(f"<|insert_{k}|>" for k in INSERT_SIZES)
REGION, REGION_END = "<|region|>", "<|/region|>"
FILE_START, FILE_END = "<|file_start|>", "<|file_end|>"
RESERVED = tuple(f"<|reserved_{i}|>" for i in range(12))
SPECIALS = (
    PAD, MASK, DELETE, *INSERTS, REGION, REGION_END, FILE_START, FILE_END,
    *(f"<|{action}|>" for action in ACTIONS), *(f"<|{language}|>" for language in LANGUAGES), *RESERVED,
)  # fmt: skip

# Order matters: the first alternative that matches is taken.
PIECES = "|".join(
    [
        r"(?:\r\n|\n|\r)[ \t]*",  # line break and the indentation after it
        # Operators of several characters, other languages' included: beginners write them.
        r" ?(?:\"\"\"|'''|\.\.\.|\*\*=|//=|<<=|>>=|->|:=|==|!=|<=|>=|\+=|-=|\*=|/=|%=|&=|\|=|\^=|@=)",
        r" ?(?:\*\*|//|<<|>>|&&|\|\||\+\+|--|<>)",
        r" ?[\p{L}\p{M}_]+",
        r" ?\p{N}",
        r" ?[^\s\p{L}\p{M}\p{N}_]",  # every other visible character alone, with the space before it
        r"[^\S\r\n]+",  # blanks that belong to nothing
        r"\s",
    ]
)


class Tokenizer:
    """Text to token ids and back; ids are int32, borders are byte offsets into the UTF-8 text."""

    def __init__(self, bpe: BpeTokenizer) -> None:
        self._bpe = bpe
        # Without this a source file that contains the text "<|mask|>" would smuggle in a control token.
        self._bpe.encode_special_tokens = True
        for id_, special in enumerate(SPECIALS):
            if bpe.token_to_id(special) != id_:
                raise CheckpointError(
                    f"tokenizer.json has no {special} at id {id_}; use the tokenizer that belongs to the checkpoint"
                )

    @classmethod
    def load(cls, path: Path) -> "Tokenizer":
        """Read tokenizer.json; raises CheckpointError when it is missing or is not one of ours."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CheckpointError(
                f"cannot read {path} ({error}); pass a folder with a tokenizer.json"
            ) from error
        try:
            bpe = BpeTokenizer.from_str(text)
        # The library raises nothing narrower.
        except Exception as error:
            raise CheckpointError(
                f"{path} is not a tokenizer file: {error}; get the checkpoint again"
            ) from error
        return cls(bpe)

    @classmethod
    def train(cls, texts: Iterable[str], size: int) -> "Tokenizer":
        """Learn `size` entries (special tokens and the 256 bytes included) from an iterator of source texts."""
        bpe = BpeTokenizer(models.BPE())
        bpe.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(PIECES), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        bpe.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=size,
            special_tokens=list(SPECIALS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
            max_token_length=24,
        )
        bpe.train_from_iterator(texts, trainer)
        return cls(bpe)

    def save(self, path: Path) -> None:
        """Write tokenizer.json."""
        path.write_text(self.to_json(), "utf-8")

    def to_json(self) -> str:
        """The library's own JSON form."""
        return self._bpe.to_str()

    @property
    def sha256(self) -> str:
        """Fingerprint of the JSON form: shards and checkpoints made with another tokenizer do not fit."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def n_vocabulary(self) -> int:
        """Number of ids."""
        return self._bpe.get_vocab_size()

    @property
    def n_specials(self) -> int:
        """Ids below this number are control tokens, ids from it on are text."""
        return len(SPECIALS)

    def id_of(self, special: str) -> int:
        """Id of a special token, for example MASK or "<|repair|>"."""
        return SPECIALS.index(special)

    def encode(self, text: str) -> Ids:
        """Token ids of `text`, shape (n,)."""
        return np.array(self._bpe.encode(text, add_special_tokens=False).ids, dtype=np.int32)

    def encode_batch(self, texts: Sequence[str]) -> list[Ids]:
        """`encode` of several texts, in parallel inside the library."""
        encodings = self._bpe.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(encoding.ids, dtype=np.int32) for encoding in encodings]

    def decode(self, ids: npt.ArrayLike) -> str:
        """Text of `ids`; control tokens are left out, bytes that are not UTF-8 become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def picture(self, ids: npt.ArrayLike) -> str:
        """As `decode`, for people: a mask is shown as ░."""
        marked = np.asarray(ids, dtype=np.int64)
        pieces = np.split(marked, np.flatnonzero(marked == SPECIALS.index(MASK)))
        return "░".join(self.decode(piece) for piece in pieces)

    def decode_bytes(self, ids: npt.ArrayLike) -> bytes:
        """The exact bytes of `ids`; control tokens have none."""
        pieces = self._pieces
        return b"".join([pieces[i] for i in np.asarray(ids, dtype=np.int64).tolist()])

    def borders(self, ids: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Byte offsets of the token borders, shape (n + 1,)."""
        lengths = self.byte_lengths[np.asarray(ids, dtype=np.int64)]
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)])

    @cached_property
    def byte_lengths(self) -> Ids:
        """Number of bytes of every id, shape (n_vocabulary,); 0 for control tokens."""
        return np.array([len(piece) for piece in self._pieces], dtype=np.int32)

    @cached_property
    def breaks_line(self) -> npt.NDArray[np.bool_]:
        """Which ids are a line break with the indentation behind it, shape (n_vocabulary,)."""
        return np.array([piece[:1] in (b"\n", b"\r") for piece in self._pieces])

    @cached_property
    def line_feeds(self) -> npt.NDArray[np.bool_]:
        """Which ids are a line feed and the indentation behind it, shape (n_vocabulary,)."""
        return np.array([piece[:1] == b"\n" for piece in self._pieces])

    @cached_property
    def quotes(self) -> npt.NDArray[np.bool_]:
        """Which ids begin or end string literals, shape (n_vocabulary,)."""
        return np.array([b'"' in piece or b"'" in piece for piece in self._pieces])

    @cached_property
    def fragments(self) -> npt.NDArray[np.bool_]:
        """Which ids hold a part of a character that is not ASCII, shape (n_vocabulary,)."""
        return np.array(["\ufffd" in piece.decode("utf-8", "replace") for piece in self._pieces])

    @cached_property
    def begins_beyond_ascii(self) -> npt.NDArray[np.bool_]:
        """Which ids begin with a character, or a part of one, that is not ASCII, shape (n_vocabulary,)."""
        return np.array([piece[:1] >= b"\x80" for piece in self._pieces])

    @cached_property
    def ends_beyond_ascii(self) -> npt.NDArray[np.bool_]:
        """Which ids end with a character, or a part of one, that is not ASCII, shape (n_vocabulary,)."""
        return np.array([piece[-1:] >= b"\x80" for piece in self._pieces])

    def words(self, words: Collection[str]) -> npt.NDArray[np.bool_]:
        """Which ids are one of `words`, the space before it aside; shape (n_vocabulary,)."""
        wanted = {word.encode() for word in words}
        return np.array([piece.removeprefix(b" ") in wanted for piece in self._pieces])

    @cached_property
    def is_word(self) -> npt.NDArray[np.bool_]:
        """Which ids are a word or a part of one, digits included, the space before it aside; shape (n_vocabulary,)."""
        bare = [piece.removeprefix(b" ") for piece in self._pieces]
        return np.array([bool(piece) and all(_is_of_words(byte) for byte in piece) for piece in bare])

    @cached_property
    def begins_with_space(self) -> npt.NDArray[np.bool_]:
        """Which ids take the space before them along, shape (n_vocabulary,)."""
        return np.array([piece[:1] == b" " for piece in self._pieces])

    @cached_property
    def whitespace_variants(self) -> Ids:
        """A class for every id: one for all that are the same but for blanks around them, one for all line breaks."""
        first: dict[bytes, int] = {}
        classes = [
            i if i < self.n_specials else first.setdefault(_without_blanks(piece), i)
            for i, piece in enumerate(self._pieces)
        ]
        return np.array(classes, np.int32)

    @cached_property
    def _pieces(self) -> list[bytes]:
        byte_of, control_tokens = byte_of_character(), self._bpe.get_added_tokens_decoder()
        pieces = [b""] * self.n_vocabulary
        for token, id_ in self._bpe.get_vocab().items():
            if id_ not in control_tokens:
                pieces[id_] = bytes(byte_of[character] for character in token)
        return pieces


def _without_blanks(piece: bytes) -> bytes:
    return piece.strip() or (b"\n" if b"\n" in piece else b" ")


def _is_of_words(byte: int) -> bool:
    return byte >= 0x80 or byte == ord("_") or chr(byte).isalnum()


def byte_of_character() -> dict[str, int]:
    """GPT-2's printable stand-ins for the 256 bytes, inverted: visible latin-1 stays, the rest moves above U+0100."""
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): byte for byte in visible} | {chr(256 + i): byte for i, byte in enumerate(others)}
