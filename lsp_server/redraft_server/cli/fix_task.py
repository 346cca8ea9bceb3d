"""What `redraft fix` was asked for, for all files alike, and the repair of one source."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from redraft_model.passage import DenoiseStep, Span, Version, Watch

from redraft_server import fixing
from redraft_server.cli.fix_output import Format
from redraft_server.cli.review import Review
from redraft_server.cli.terminal import Bar, talk
from redraft_server.diagnostics.diagnostic import Diagnostic
from redraft_server.diagnostics.places import Located, located
from redraft_server.diagnostics.work import Diagnosed
from redraft_server.discovery import NOTEBOOK_SUFFIX, is_notebook
from redraft_server.document import Document
from redraft_server.fixing import Fix
from redraft_server.model_choice import ModelChoice
from redraft_server.notebook_files import Notebook
from redraft_server.proof import Proof
from redraft_server.remembering import RememberingEngine, clean_key
from redraft_server.report import Changes
from redraft_server.settings import DEFAULT_MIN_CONFIDENCE
from redraft_server.source_files import LineRange, LineRangeError
from redraft_server.target import nearest
from redraft_server.verdicts import Verdicts


@dataclass(frozen=True)
class Task:
    """What the user asked for, for all files alike."""

    engine: RememberingEngine
    memory: Verdicts
    changes: Changes
    format: Format
    is_semantic: bool
    min_confidence: float | None
    """None: the user has not said."""
    timeout: float = 0.0
    """Seconds for a file; 0: no limit."""
    target_version: Version | None = None
    """None: the user has not said."""
    lines: LineRange | None = None
    review: Review | None = None
    """Asks about each change before it is written; None: nobody is asked."""
    proof: Proof | None = None
    """The command that has to end no worse with a repair; None: no command is run."""

    diagnosed: Diagnosed | None = None
    """What other tools have found in the files; None: no tool was asked."""

    def target(self, folder: Path) -> Version | None:
        """The oldest Python that the code of a folder is for; None: nobody has said."""
        return self.target_version or nearest(folder)

    def ready(self) -> RememberingEngine:
        """The engine, which has said what it is; raises CheckpointError. Says so once if it cannot do what was asked for."""
        is_first = self.engine.known_about is None
        about = self.engine.about
        if is_first and self.min_confidence is not None and not about.is_calibrated:
            talk(
                "--min-confidence does not apply: this checkpoint is not calibrated, "
                "so its repairs have no probability"
            )
        return self.engine

    def options(self, choice: ModelChoice) -> dict[str, str]:
        """What the results of a run depend on, in words."""
        return {
            "changes": str(self.changes),
            "semantic": str(self.is_semantic),
            "min-confidence": str(self.min_confidence),
            "timeout": str(self.timeout),
            "target-version": str(self.target_version),
            "lines": str(self.lines),
            "model": " ".join(choice.resolved().options()),
            **({} if self.diagnosed is None else {"diagnostics": self.diagnosed.origin}),
        }

    def clean_key(self, data: bytes, path: Path) -> bytes | None:
        """The key under which it is remembered that a file needs nothing; None if a look at it is needed."""
        if self.is_semantic or self.lines is not None or self.diagnostics(path):
            return None
        kind = NOTEBOOK_SUFFIX if is_notebook(path) else ""
        return clean_key(data, kind, str(self.target(path.parent)))

    def diagnostics(self, path: Path) -> tuple[Diagnostic, ...]:
        """What other tools have found in the file `path`."""
        return () if self.diagnosed is None else self.diagnosed.about(path)

    def fix(
        self,
        source: Document | Notebook,
        folder: Path,
        patch_name: str,
        watch: Watch,
        diagnostics: Sequence[Diagnostic] = (),
    ) -> Fix:
        """The repair of one source from a file in `folder`, in which tools have found `diagnostics`; raises RedraftError."""
        if isinstance(source, Notebook) and self.lines is not None:
            raise LineRangeError(f"{source.name} is a notebook; --lines goes with a file in Python")
        span = None if self.lines is None or isinstance(source, Notebook) else self.lines.span(source)
        target = self.target(folder)
        places = () if isinstance(source, Notebook) else _inside(span, located(source.text, diagnostics))
        if not places and not fixing.needs_model(source, semantic=self.is_semantic, target=target):
            return fixing.untouched(source, target)
        bound = DEFAULT_MIN_CONFIDENCE if self.min_confidence is None else self.min_confidence
        if isinstance(source, Notebook):
            return fixing.fix_notebook(
                self.ready(),
                source,
                patch_name=patch_name,
                semantic=self.is_semantic,
                min_confidence=bound,
                target=target,
                watch=watch,
                timeout=self.timeout,
            )
        return fixing.fix(
            self.ready(),
            source,
            patch_name=patch_name,
            span=span,
            semantic=self.is_semantic,
            min_confidence=bound,
            target=target,
            located=places,
            watch=watch,
            timeout=self.timeout,
        )


def _inside(span: Span | None, places: Sequence[Located]) -> list[Located]:
    """The places that may change."""
    return [
        each
        for each in places
        if span is None or span.start <= each.diagnosis.span.start <= each.diagnosis.span.end <= span.end
    ]


def watch(progress: Bar, n_done: int, name: str) -> Watch:
    """Shows the search rounds of the file `name`, before which `n_done` others were done."""

    def on_step(step: DenoiseStep) -> None:
        progress.at(n_done, note=f"{name}, search round {step.index} of at most {step.limit}")

    return Watch(on_step=on_step)
