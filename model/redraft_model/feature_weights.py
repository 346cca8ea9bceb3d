"""The fitted weights of all features of one checkpoint together, each read from its own section of the calibration file."""

from dataclasses import dataclass

from redraft_model.calibration.weights import Calibration
from redraft_model.complete import ranking as completion
from redraft_model.complete.ranking import CompletionWeights
from redraft_model.misuse import ranking as misuse
from redraft_model.misuse.ranking import MisuseWeights
from redraft_model.repair import ranking as repair
from redraft_model.repair.ranking import RepairWeights


@dataclass(frozen=True)
class FeatureWeights:
    """What repairs, misuse edits and completions are ranked and their confidence is worked out by."""

    repair: RepairWeights
    misuse: MisuseWeights
    completion: CompletionWeights

    @classmethod
    def of(cls, calibration: Calibration) -> "FeatureWeights":
        """The weights in a calibration file; CheckpointError, which names the weight, when one cannot be used."""
        return cls(
            RepairWeights.of(calibration), MisuseWeights.of(calibration), CompletionWeights.of(calibration)
        )

    def calibration(self) -> Calibration:
        """The same as sections of a calibration file."""
        return Calibration(
            {
                repair.SECTION: self.repair.to_json(),
                misuse.SECTION: self.misuse.to_json(),
                completion.SECTION: self.completion.to_json(),
            }
        )
