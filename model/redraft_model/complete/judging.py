"""Completions with a pretrained base: it proposes texts besides the network's, and judges all of them with what follows."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redraft_model.calibration.logistic import logit_share
from redraft_model.complete.ranking import JudgedCompletionFeatures, JudgedCompletionWeights
from redraft_model.complete.surroundings import Surroundings
from redraft_model.decode.drafter import Drafter
from redraft_model.decode.judge import Judge
from redraft_model.decode.left_to_right import LeftToRight
from redraft_model.passage import Passage, Watch
from redraft_model.text.identifiers import n_unknown_identifiers

N_PROPOSED = 5  # of the network's texts, its best ones
N_BEHIND = 64  # tokens of what follows that are judged with a text


@dataclass(frozen=True)
class JudgedText:
    """A text for the rest of a line, its log-likelihood with what follows in nats, and what its confidence goes by."""

    text: str
    log_p: float
    features: JudgedCompletionFeatures


@dataclass(frozen=True)
class CompletionJudge:
    """A base that writes and judges, and the weights that were fitted to what it says (None: while they are fitted)."""

    judge: Judge
    writer: LeftToRight
    weights: JudgedCompletionWeights | None
    drafter: Drafter | None = None  # writes besides, in parallel, where the base has an adapter

    def confidence(self, text: JudgedText) -> float:
        """How likely a text is right; its share of the likelihood without weights."""
        share = text.features.share
        return 1 / (1 + math.exp(-share)) if self.weights is None else self.weights.confidence(text.features)

    def texts(
        self, passage: Passage, proposed: Sequence[str], is_valid: Callable[[str], bool], watch: Watch
    ) -> list[JudgedText]:
        """The network's texts and the base's own that are valid, the likeliest first. Raises Cancelled."""
        networks = [text for text in proposed if text.strip()][:N_PROPOSED]
        found = [text.text for text in self.writer.lines(passage.before, watch)]
        if self.drafter is not None:
            found += [draft.text for draft in self.drafter.lines(passage.before, passage.after, watch)]
        written = [_up_to_the_rest(text, passage) for text in found]
        own = [text for text in written if text.strip() and is_valid(text)]
        texts = list(dict.fromkeys([*networks, *own]))
        if not texts:
            return []
        nats = self.judge.log_likelihood(passage.before, texts, passage.after, n_suffix=N_BEHIND)
        around = Surroundings(passage)
        line = passage.before.rpartition("\n")[2]
        judged = [
            JudgedText(
                text,
                nats[i],
                JudgedCompletionFeatures(
                    share=logit_share(nats, i),
                    length=math.log1p(len(text.strip())),
                    begins_line=float(not line.strip()),
                    in_word=float(line[-1:].isalnum()),
                    agreed=float(text in networks and text in own),
                    unknown_identifiers=float(n_unknown_identifiers(around.known, text)),
                    line_again=float(around.line_with(text) in around.lines),
                ),
            )
            for i, text in enumerate(texts)
        ]
        return sorted(judged, key=lambda text: -text.log_p)


def _up_to_the_rest(text: str, passage: Passage) -> str:
    """What of `text` belongs in front of the rest of the line, which it may have written once more."""
    rest = passage.after.partition("\n")[0].rstrip()
    return text[: -len(rest)] if rest.strip() and text.endswith(rest) else text
