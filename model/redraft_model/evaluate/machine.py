"""The machine a measurement was made on."""

import os
import platform
import re
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """Processor model, logical cores, threads torch computes with, operating system, Python, device used."""

    cpu: str
    n_cores: int
    n_threads: int
    system: str
    python: str
    device: str

    @classmethod
    def here(cls, n_threads: int, device: str = "cpu") -> "Machine":
        """This machine. The caller knows torch, and says how many threads and which device it used."""
        return cls(
            cpu=_cpu_model(),
            n_cores=os.cpu_count() or 1,
            n_threads=n_threads,
            system=f"{platform.system()} {platform.machine()}",
            python=platform.python_version(),
            device=device,
        )

    @property
    def slug(self) -> str:
        """A file name for this machine: processor, cores, device."""
        words = f"{self.cpu} {self.n_cores} cores {self.device}".lower()
        return re.sub(r"[^a-z0-9]+", "-", words).strip("-")

    def fields(self) -> dict[str, str | int]:
        """The fields by name, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.cpu}, {self.n_cores} cores, {self.n_threads} torch threads, {self.device}, "
            f"{self.system}, Python {self.python}"
        )


def _cpu_model() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name" and value.strip():
                return value.strip()
    return platform.processor() or platform.machine()
