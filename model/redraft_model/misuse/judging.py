"""What the pretrained base says of other words for the slots of a text: by how much each makes the text likelier."""

from collections.abc import Sequence

from redraft_model.decode.judge import Judge
from redraft_model.misuse.cloze import Guess

N_BEHIND = 48  # tokens behind a slot that are looked at; further on the likelihoods have mostly met again


def gains(judge: Judge, source: str, guesses: Sequence[Guess], n_behind: int = N_BEHIND) -> list[float]:
    """Nats by which the base finds `source` likelier with each word in its slot than as it is."""
    by_slot: dict[tuple[int, int], list[int]] = {}
    for number, guess in enumerate(guesses):
        by_slot.setdefault((guess.slot.span.start, guess.slot.span.end), []).append(number)
    found = [0.0] * len(guesses)
    # From the first slot to the last: what stands before one has mostly been read for the one before.
    for (start, end), numbers in sorted(by_slot.items()):
        words = [source[start:end], *(guesses[number].word.text for number in numbers)]
        now, *others = judge.log_likelihood(source[:start], words, source[end:], n_suffix=n_behind)
        for number, other in zip(numbers, others, strict=True):
            found[number] = other - now
    return found
