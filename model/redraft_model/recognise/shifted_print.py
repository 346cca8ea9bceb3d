"""What `print >>file, text` should be in a text that compiles."""

from redraft_model.passage import Doubt
from redraft_model.text import shifted_print


def shifted_prints(source: str) -> list[Doubt]:
    """The statements of a text that shift `print` by a file, each with the call it should be; in order."""
    spans = shifted_print.shifted_prints(source)
    if not spans:
        return []
    # Whoever has none does not wait for the library.
    from redraft_model.recognise.translation import translated

    calls = ((span, translated(span.of(source))) for span in spans)
    return [Doubt(span, 0.0, "substitute", call) for span, call in calls if call]
