"""The tokenizer of a pretrained base: byte-level BPE as its makers trained it, made lossless for any UTF-8 text.

- text never becomes a special token, whatever it contains, and is not normalised
- bytes that the vocabulary lacks get ids behind it; each stands in for the nearest byte above it, which is as rare
- it knows where a text can be cut without changing the tokens of either part
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer as BpeTokenizer

from redraft_model.errors import CheckpointError
from redraft_model.tokens.tokenizer import SPECIALS, Tokenizer, byte_of_character

Ids = npt.NDArray[np.int32]

# 0xC0, 0xC1 and those from 0xF5 on are in no UTF-8 text.
_BYTES_OF_UTF_8 = (*range(0xC0), *range(0xC2, 0xF5))

_ADDED = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}

_PROBE = " a  1\t\r\n\n 's'll x=(12,)\x00\x04 e\u0301\u00e9\u212b\u3000\u6f22\U0001f642\U00050000"


class BaseTokenizer:
    """Text to token ids and back; ids are int32, borders are byte offsets into the UTF-8 text."""

    def __init__(self, bpe: BpeTokenizer, stand_ins: Mapping[int, int]) -> None:
        self._bpe = bpe
        self.stand_ins = stand_ins
        """Ids behind the base's own vocabulary, for bytes it lacks, and the ids whose embeddings they share."""
        # Without this a source file that contains "<|endoftext|>" would end the text.
        self._bpe.encode_special_tokens = True

    @classmethod
    def load(cls, path: Path) -> "BaseTokenizer":
        """Read a tokenizer.json of Hugging Face; raises CheckpointError when it is missing or is not byte-level BPE."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CheckpointError(
                f"cannot read {path} ({error}); pass a folder with a tokenizer.json"
            ) from error
        try:
            data, stand_ins = _lossless(json.loads(text))
            bpe = BpeTokenizer.from_str(json.dumps(data))
        # The library raises nothing narrower.
        except Exception as error:
            raise CheckpointError(f"{path} is not a tokenizer file: {error}; get the model again") from error
        tokenizer = cls(bpe, stand_ins)
        if not tokenizer._is_lossless(_PROBE):
            raise CheckpointError(f"{path} is no byte-level BPE that keeps text as it is; take another base")
        return tokenizer

    @property
    def sha256(self) -> str:
        """Fingerprint of the JSON form."""
        return hashlib.sha256(self._bpe.to_str().encode()).hexdigest()

    @cached_property
    def n_vocabulary(self) -> int:
        """One more than the largest id."""
        return max(self._bpe.get_vocab().values()) + 1

    @cached_property
    def specials(self) -> dict[str, int]:
        """The control tokens and their ids; text never becomes one."""
        return {token.content: id_ for id_, token in self._bpe.get_added_tokens_decoder().items()}

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

    def word_borders(self, text: str) -> list[int]:
        """Character offsets between the pieces that are never merged: words, runs of punctuation, white space; both ends too."""
        if not text:
            return [0]
        pieces = self._bpe.pre_tokenizer.pre_tokenize_str(text)
        return [0, *(end for _, (_, end) in pieces)]

    def settled(self, text: str) -> int:
        """How many characters of `text` have tokens of their own, whatever is written behind it.

        The last word, or the white space at the end, may become part of a token with what follows; so may an apostrophe.
        """
        end = len(text.rstrip())
        settled = (border for border in self.word_borders(text) if border <= end and border < len(text))
        return max((border for border in settled if text[border - 1 : border] != "'"), default=0)

    def with_control_tokens(self) -> Tokenizer:
        """The same merges behind our control tokens: an id of text is the base's own plus the number of those."""
        data: dict[str, Any] = json.loads(self._bpe.to_str())
        n, vocabulary = len(SPECIALS), data["model"]["vocab"]
        moved = {token: n + id_ for token, id_ in vocabulary.items() if token not in self.specials}
        # The base's control tokens, and ids that it does not use, have no text.
        taken = set(moved.values())
        unused = (id_ for id_ in range(n, n + self.n_vocabulary) if id_ not in taken)
        unused_ids = {f"<|unused_{id_ - n}|>": id_ for id_ in unused}
        specials = {special: id_ for id_, special in enumerate(SPECIALS)}
        added = [
            {**_ADDED, "id": id_, "content": content}
            for names in (specials, unused_ids)
            for content, id_ in names.items()
        ]
        changed = {
            **data,
            "model": {**data["model"], "vocab": {**specials, **moved, **unused_ids}},
            "added_tokens": added,
        }
        return Tokenizer(BpeTokenizer.from_str(json.dumps(changed)))

    def _is_lossless(self, text: str) -> bool:
        return self.decode_bytes(self.encode(text)) == text.encode()

    @cached_property
    def _pieces(self) -> list[bytes]:
        in_latin_1 = str.maketrans({character: chr(byte) for character, byte in byte_of_character().items()})
        specials = set(self.specials.values())
        pieces = [b""] * self.n_vocabulary
        for token, id_ in self._bpe.get_vocab().items():
            if id_ not in specials:
                pieces[id_] = token.translate(in_latin_1).encode("latin-1", "replace")
        return pieces


def _lossless(data: dict[str, Any]) -> tuple[dict[str, Any], dict[int, int]]:
    """The JSON form of a tokenizer without all that changes text, with the bytes that it lacks; and whom those stand in for."""
    added = [{**token, "special": True} for token in data.get("added_tokens", [])]
    vocabulary = data["model"]["vocab"]
    n_ids = max([*vocabulary.values(), *(token["id"] for token in added)]) + 1
    characters = {byte: character for character, byte in byte_of_character().items()}
    present = [byte for byte in _BYTES_OF_UTF_8 if characters[byte] in vocabulary]
    missing = [byte for byte in _BYTES_OF_UTF_8 if characters[byte] not in vocabulary]
    extra = {characters[byte]: n_ids + i for i, byte in enumerate(missing)}
    stand_ins = {}
    for byte in missing:
        nearest = next((other for other in present if other > byte), present[-1])
        stand_ins[extra[characters[byte]]] = vocabulary[characters[nearest]]
    changed = {
        **data,
        "model": {**data["model"], "vocab": {**vocabulary, **extra}},
        "added_tokens": added,
        "normalizer": None,
        "post_processor": None,
        "truncation": None,
        "padding": None,
    }
    return changed, stand_ins
