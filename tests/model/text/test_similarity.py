"""Which files are alike."""

import pytest
from redraft_model.text.similarity import most_similar, signature, similarity


def test_texts_with_the_same_words_are_alike_however_often_and_in_whatever_order() -> None:
    assert similarity(signature("open(path)\nclose(path)"), signature("close, open, path, path")) == 1.0


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ("alpha beta gamma", "alpha delta epsilon", 1 / 5),
        ("alpha beta", "gamma delta", 0.0),
        ("alpha", "Alpha", 0.0),
        ("", "alpha", 0.0),
        ("", "", 0.0),
        # Short words and numbers are everywhere.
        ("if x in 100: alpha", "if x in 100: beta", 0.0),
        ("größe = 1", "größe = 2", 1.0),
    ],
)
def test_alikeness_is_the_share_of_common_words(a: str, b: str, share: float) -> None:
    assert similarity(signature(a), signature(b)) == pytest.approx(share)


def test_few_words_share_a_bit() -> None:
    words = [f"word_{i}" for i in range(1000)]
    assert signature(" ".join(words)).bit_count() > 970


def test_half_a_character_is_no_obstacle() -> None:
    assert signature("abc\ud800 def").bit_count() == 2


def test_the_most_alike_comes_first_and_what_has_nothing_in_common_is_left_out() -> None:
    texts = ["alpha", "alpha beta gamma", "other words", "alpha beta"]
    own = signature("alpha beta gamma")
    assert most_similar(own, texts, signature) == ["alpha beta gamma", "alpha beta", "alpha"]
