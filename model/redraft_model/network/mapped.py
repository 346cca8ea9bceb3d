"""Tensors of safetensors files, mapped into memory: nothing is read before it is needed. Knows no network.

Tensors that lie side by side in a file, as those of a converted base do, are joined without a copy.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from redraft_model.errors import CheckpointError

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}


@dataclass(frozen=True, eq=False)
class _Entry:
    """Where one tensor is: the bytes of its file, and which of them are its own."""

    file: torch.Tensor
    start: int
    end: int
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def values(self) -> torch.Tensor:
        part = self.file[self.start : self.end]
        # The format does not promise that a tensor begins at a multiple of the size of its values.
        part = part.clone() if self.start % self.dtype.itemsize else part
        return part.view(self.dtype).view(self.shape)


class MappedTensors:
    """The tensors of all weight files of a folder, by name."""

    def __init__(self, folder: Path, entries: dict[str, _Entry]) -> None:
        self._folder = folder
        self._entries = entries

    @classmethod
    def open(cls, folder: Path) -> "MappedTensors":
        """Map model.safetensors, or the files that its index names; raises CheckpointError."""
        entries: dict[str, _Entry] = {}
        for path in _weight_files(folder):
            entries |= dict(_entries(path))
        return cls(folder, entries)

    @property
    def names(self) -> set[str]:
        """The names of all tensors."""
        return set(self._entries)

    def require(self, name: str, shape: tuple[int, ...]) -> None:
        """Raise CheckpointError if there is no tensor `name` of this shape."""
        found = self._entries.get(name)
        if found is None:
            raise CheckpointError(f"{self._folder} lacks the weights {name}; get the model again")
        if found.shape != shape:
            raise CheckpointError(
                f"{name} in {self._folder} has shape {found.shape} where config.json asks for {shape}; "
                "get the model again"
            )

    def joined(self, names: Sequence[str]) -> torch.Tensor:
        """The tensors one below the other; a view of the file if they lie there like that, else a copy."""
        parts = [self._entries[name] for name in names]
        first, last = parts[0], parts[-1]
        are_neighbours = all(
            part.file is first.file and part.dtype == first.dtype and part.start == before.end
            for before, part in pairwise(parts)
        )
        if not are_neighbours:
            return torch.cat([part.values for part in parts])
        n_rows = sum(part.shape[0] for part in parts)
        return _Entry(first.file, first.start, last.end, first.dtype, (n_rows, *first.shape[1:])).values


def _weight_files(folder: Path) -> list[Path]:
    if (folder / WHOLE).exists():
        return [folder / WHOLE]
    try:
        index: Any = json.loads((folder / INDEX).read_text("utf-8"))
        names = sorted(set(index["weight_map"].values()))
    except FileNotFoundError as error:
        raise CheckpointError(f"{folder} has no {WHOLE}; get the model again") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / INDEX} cannot be read ({error}); get the model again") from error
    missing = [name for name in names if Path(name).name != name or not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"{folder} lacks {missing[0]}, which its index names; copy the missing files")
    return [folder / name for name in names]


def _entries(path: Path) -> Iterator[tuple[str, _Entry]]:
    """Every tensor of one file; the library looks first whether the file is sound."""
    try:
        with safe_open(path, framework="pt"):
            pass
        with path.open("rb") as opened:
            n_header = int.from_bytes(opened.read(8), "little")
            header: dict[str, Any] = json.loads(opened.read(n_header))
        n_bytes = path.stat().st_size
        file = torch.from_file(str(path), shared=False, size=n_bytes, dtype=torch.uint8)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is damaged or not a safetensors file ({error}); get the model again"
        ) from error
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in _DTYPES:
            raise CheckpointError(f"{name} in {path} is {entry['dtype']}; take a base in bfloat16 or float32")
        start, end = (8 + n_header + offset for offset in entry["data_offsets"])
        yield name, _Entry(file, start, end, _DTYPES[entry["dtype"]], tuple(entry["shape"]))
