"""Words between the same words and signs elsewhere."""

import pytest
from redraft_model.passage import Span
from redraft_model.text.ngrams import MOST, NgramContext

SOURCE = "if self.items:\n    total = self.items[0]\nif self.names:\n    total = self.item[0]\n"


def around(source: str, at: str, word: str) -> int:
    start = source.rindex(at)
    return NgramContext(source).n_around(Span(start, start + len(at)), word)


@pytest.mark.parametrize(
    ("source", "at", "word", "n"),
    [
        # total = self . items [ 0 ]: three on the left and three on the right.
        (SOURCE, "item", "items", 6),
        (SOURCE, "item", "names", 2),
        (SOURCE, "item", "item", 0),
        (SOURCE, "item", "nowhere", 0),
        (SOURCE, "names", "items", 6),
        # Blanks and line ends do not count.
        ("f(a, b)\nf(a,\n  c)\n", "c", "b", 4),
        ("x = a == b\ny = a != b\n", "!=", "==", 3),
        ("x = a not in b\ny = a in b\n", "in", "not in", 3),
        ("x = a not in b\ny = a in b\n", "in", "not", 2),
        ("a\n", "a", "a", 0),
        ("a\nb\n", "b", "a", 0),
    ],
)
def test_the_longest_common_surroundings_count(source: str, at: str, word: str, n: int) -> None:
    assert around(source, at, word) == n


def test_only_the_nearest_places_of_a_frequent_word_are_looked_at() -> None:
    far = "f(x, y)\n" + "x\n" * MOST
    assert around(far + "f(z, y)\n", "z", "x") < around("f(x, y)\n" + "f(z, y)\n", "z", "x")


def test_an_empty_word_is_nowhere() -> None:
    assert around("a b\n", "b", "") == 0
