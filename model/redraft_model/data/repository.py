"""The files of one repository as token shards; a tenth of them, by a hash of their paths, is held out."""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path

from redraft_model.data.build import BuildReport, build_files
from redraft_model.data.corpus import Corpus, Package, Source, SourceFile, read
from redraft_model.data.shards import Shards

ONE_IN = 10  # files are held out
SMALLEST_HELD_OUT = 1_000  # bytes; a smaller file has hardly a line to ask for


def build_repository(
    root: Path,
    paths: Sequence[Path],
    out: Path,
    tokenizer_path: Path,
    progress: Callable[[int, int], None] = lambda n_done, n_all: None,
) -> BuildReport:
    """Write the shards `out/train` and `out/heldout` of the files `paths` below `root`, and return the report."""
    return build_files(corpus_of(root, paths), out, tokenizer_path, progress=progress)


def corpus_of(root: Path, paths: Sequence[Path]) -> Corpus:
    """The files with those that are held out first: what stands in both is not trained on.

    Of the files that are worth asking about, those whose paths have the smallest hashes are held out, at least one of them.
    """
    names = sorted(path.relative_to(root).as_posix() for path in paths)
    large = [name for name in names if _size(root / name) >= SMALLEST_HELD_OUT]
    held_out = set(sorted(large, key=_hash)[: max(1, round(len(large) / ONE_IN))])
    ordered = sorted(names, key=lambda name: name not in held_out)
    files = tuple(SourceFile(str(root), name, 0, name in held_out) for name in ordered)
    return Corpus(files, (Package(root.name, ""),))


def held_out_texts(shards: Path) -> dict[str, str]:
    """The files that were held out when the shards were built, by their paths, as they are now; those that still are code."""
    sources = {name: read(Path(name)) for name in Shards.open(shards / "heldout").paths()}
    return {name: source.text for name, source in sources.items() if isinstance(source, Source)}


def _hash(name: str) -> bytes:
    return blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
