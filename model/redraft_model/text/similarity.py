"""How similar files are, by the words that they share. No torch.

Of a large project only the files that are most like the one at hand are worth looking at for retrieval, and to find them must not
take long. So the words of a file are kept as a set of bits, a number with one bit for every hash, and two files are compared by the
Jaccard index of these sets (Broder, "On the Resemblance and Containment of Documents", 1997).
"""

import re
from collections.abc import Callable, Iterable
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

N_BITS = 1 << 15
_WORD = re.compile(r"[^\W\d]\w{2,}")


def signature(text: str) -> int:
    """The words of three letters or more in a text, as bits; one word in a hundred shares its bit with another one's."""
    bits = bytearray(N_BITS // 8)
    for word in set(_WORD.findall(text)):
        index = crc32(word.encode("utf-8", "surrogatepass")) % N_BITS
        bits[index // 8] |= 1 << index % 8
    return int.from_bytes(bits, "little")


def similarity(a: int, b: int) -> float:
    """The part of the words in either text that both have, in [0, 1], by their signatures; 0 where there are none."""
    return (a & b).bit_count() / max(1, (a | b).bit_count())


def most_similar(own: int, others: Iterable[T], signature_of: Callable[[T], int]) -> list[T]:
    """The others in the order of how much they are like what has the signature `own`, those without a common word left out."""
    found = [(similarity(own, signature_of(other)), other) for other in others]
    return [other for share, other in sorted(found, key=lambda entry: -entry[0]) if share]
