"""Making a draft fit the text around the cursor. Knows nothing of models or LSP."""

from redraft_model.passage import Passage

_CLOSERS = {")": "(", "]": "[", "}": "{"}
_QUOTES = "'\""
# Shorter repetitions happen by chance.
_LONG_OVERLAP = 3
_MAX_LINES_BELOW = 50


def is_inviting(before: str, after: str) -> bool:
    """Whether a suggestion nobody asked for is welcome between `before` and `after` on the cursor's line.

    Not in the middle of a word, nor before more than a few characters that would have to move (the editor's
    own closing brackets do not count).
    """
    if _is_word(before[-1:]) and _is_word(after[:1]):
        return False
    n_following = sum(not character.isspace() and character not in _CLOSERS for character in after)
    return n_following <= 8


def word_before(before: str) -> str:
    """The part of a word that ends `before`."""
    n_word = 0
    while n_word < len(before) and _is_word(before[-1 - n_word]):
        n_word += 1
    return before[len(before) - n_word :]


def fitted(text: str, passage: Passage) -> str:
    """What to insert for the draft `text`, without what already stands behind the cursor; "" if nothing."""
    rest, _, below = passage.after.partition("\n")
    text = _without_overlap(text, rest)
    if not rest.strip():
        text = text.rstrip()
    head = passage.before[passage.before.rfind("\n") + 1 :]
    text = _without_lines_below(text, head, rest, below)
    return text if text.strip() else ""


def _without_overlap(text: str, rest: str) -> str:
    """`text` without an end that repeats the beginning of `rest`, where both would be one too many."""
    for n_overlap in range(min(len(text), len(rest)), 0, -1):
        overlap = rest[:n_overlap]
        if text.endswith(overlap) and overlap.strip() and _is_one_too_many(text, overlap):
            return text[: len(text) - n_overlap]
    return text


def _is_one_too_many(text: str, overlap: str) -> bool:
    if sum(map(_is_word, overlap)) >= _LONG_OVERLAP:
        return True
    # A bracket that closes one of the draft's own belongs to the draft, a quote that ends its own string too.
    if any(bracket in overlap for bracket in _CLOSERS):
        return _n_unmatched_closers(text) > 0
    if any(quote in overlap for quote in _QUOTES):
        return any(quote in overlap and text.count(quote) % 2 == 1 for quote in _QUOTES)
    return not any(map(_is_word, overlap))


def _n_unmatched_closers(text: str) -> int:
    n_unmatched, open_brackets = 0, []
    for character in text:
        if character in _CLOSERS.values():
            open_brackets.append(character)
        elif character in _CLOSERS:
            if open_brackets and open_brackets[-1] == _CLOSERS[character]:
                open_brackets.pop()
            else:
                n_unmatched += 1
    return n_unmatched


def _without_lines_below(text: str, head: str, rest: str, below: str) -> str:
    """`text` without last lines that repeat the next lines of the file."""
    following = [line.strip() for line in below.split("\n", _MAX_LINES_BELOW) if line.strip()]
    lines = text.split("\n")
    whole = [line.strip() for line in (head + text + rest).split("\n")[-len(lines) :]]
    for n_repeated in range(min(len(lines), len(following)), 0, -1):
        if whole[-n_repeated:] == following[:n_repeated]:
            return "\n".join(lines[: len(lines) - n_repeated]).rstrip()
    return text


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"
