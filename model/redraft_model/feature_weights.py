"""The fitted weights of all features of one checkpoint together, each read from its own section of the calibration file."""

from dataclasses import dataclass

from redraft_model.calibration.weights import Calibration, Section
from redraft_model.complete import ranking as completion
from redraft_model.complete.ranking import CompletionWeights, JudgedCompletionWeights
from redraft_model.misuse import ranking as misuse
from redraft_model.misuse.ranking import JudgedMisuseWeights, MisuseWeights
from redraft_model.repair import ranking as repair
from redraft_model.repair.ranking import JUDGED_REPAIR_FEATURES, RepairWeights

JUDGED = "judged"


@dataclass(frozen=True)
class JudgedWeights:
    """The weights that were fitted to what one pretrained base had judged; `base` is its fingerprint."""

    base: str
    repair: RepairWeights
    misuse: JudgedMisuseWeights
    completion: JudgedCompletionWeights

    @classmethod
    def of(cls, section: Section) -> "JudgedWeights":
        """The weights in a section of a calibration file; CheckpointError when one is missing."""
        return cls(
            section.text("base"),
            RepairWeights.of(section.section(repair.SECTION), JUDGED_REPAIR_FEATURES),
            JudgedMisuseWeights.of(section.section(misuse.SECTION)),
            JudgedCompletionWeights.of(section.section(completion.SECTION)),
        )

    def to_json(self) -> dict[str, object]:
        """The section of the calibration file."""
        return {
            "base": self.base,
            repair.SECTION: self.repair.to_json(),
            misuse.SECTION: self.misuse.to_json(),
            completion.SECTION: self.completion.to_json(),
        }


@dataclass(frozen=True)
class FeatureWeights:
    """What repairs, misuse edits and completions are ranked and their confidence is worked out by."""

    repair: RepairWeights
    misuse: MisuseWeights
    completion: CompletionWeights
    judged: JudgedWeights | None = None

    @classmethod
    def of(cls, calibration: Calibration) -> "FeatureWeights":
        """The weights in a calibration file; CheckpointError, which names the weight, when one cannot be used."""
        return cls(
            RepairWeights.of(calibration.section(repair.SECTION)),
            MisuseWeights.of(calibration.section(misuse.SECTION)),
            CompletionWeights.of(calibration.section(completion.SECTION)),
            JudgedWeights.of(calibration.section(JUDGED)) if calibration.has(JUDGED) else None,
        )

    def calibration(self) -> Calibration:
        """The same as sections of a calibration file."""
        sections: dict[str, object] = {
            repair.SECTION: self.repair.to_json(),
            misuse.SECTION: self.misuse.to_json(),
            completion.SECTION: self.completion.to_json(),
        }
        if self.judged is not None:
            sections[JUDGED] = self.judged.to_json()
        return Calibration(sections)
