"""What the projects of held-out files have besides them, as an editor's server looks at it (`Completion.retrieved_context`)."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from os.path import commonpath
from pathlib import PurePath

from redraft_model.data.shards import Shards
from redraft_model.fit.pieces import Piece
from redraft_model.passage import truncated
from redraft_model.text.similarity import most_similar, signature, similarity
from redraft_model.tokens.tokenizer import Tokenizer

COPY = 0.8  # similarity from which on a file is the same one in another version, which few projects have


class Projects:
    """The files of a shard folder by their projects: the first folder in which their paths differ."""

    def __init__(self, shards: Shards, tokenizer: Tokenizer) -> None:
        self._shards = shards
        self._tokenizer = tokenizer

    def around(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        """The same pieces, with what their projects have besides their files."""
        return (replace(piece, context=self.beside(piece.file)) for piece in pieces)

    def beside(self, file: int) -> tuple[str, ...]:
        """The other files of a file's project, the most alike first, up to so many characters; no copies of it."""
        own = self._signatures[file]
        others = [
            other
            for other in self._files[self._names[file]]
            if other != file and similarity(own, self._signatures[other]) < COPY
        ]
        alike = most_similar(own, others, lambda other: self._signatures[other])
        return truncated(self._text(other) for other in alike)

    def _text(self, file: int) -> str:
        return self._tokenizer.decode(self._shards.file_tokens(file))

    @cached_property
    def _signatures(self) -> list[int]:
        return [signature(self._text(file)) for file in range(self._shards.n_files)]

    @cached_property
    def _names(self) -> list[str]:
        folders = [PurePath(path).parent for path in self._shards.paths()]
        above = commonpath(folders)
        return [next(iter(folder.relative_to(above).parts), "") for folder in folders]

    @cached_property
    def _files(self) -> dict[str, list[int]]:
        found = defaultdict(list)
        for file, name in enumerate(self._names):
            found[name].append(file)
        return found
