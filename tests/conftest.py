"""What must be true before the first test module is imported, and what every folder's tests may use.

Without a GPU, Triton kernels are tested in Triton's interpreter. A kernel becomes interpreted when it is
defined, so the variable has to be set before any test, in whatever folder, imports redraft_kernels.
Operations still run their references by default: see redraft_kernels.dispatch.

No test depends on how fast the machine is. What waits, waits for an event; a limit of minutes is there only for
what would otherwise hang.
"""

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

SECONDS = 300
NOBODY = 65534
IS_ROOT = hasattr(os, "setresuid") and os.geteuid() == 0

if not torch.cuda.is_available():
    os.environ.setdefault("TRITON_INTERPRET", "1")

# By default hypothesis fails what takes long.
hypothesis.settings.register_profile(
    "redraft", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("redraft")


@pytest.fixture
def folder_of_nobody() -> Iterator[Path]:
    """A folder of a user who may not read everything; root may."""
    with tempfile.TemporaryDirectory(prefix="redraft-test-") as name:
        if IS_ROOT:
            os.chown(name, NOBODY, NOBODY)
        yield Path(name)


@pytest.fixture
def as_nobody() -> Callable[[], AbstractContextManager[None]]:
    """Takes root's rights away for a while."""

    @contextmanager
    def without_rights() -> Iterator[None]:
        if not IS_ROOT:
            yield
            return
        os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            os.setresuid(0, 0, 0)

    return without_rights


@dataclass(frozen=True)
class GitRepository:
    """A repository that git has made, whatever configuration the user has; its clock moves by a minute a commit."""

    folder: Path

    def git(self, *words: str | Path, **variables: str) -> str:
        """What a git command prints."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        own |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"} | variables
        done = subprocess.run(
            ["git", *map(str, words)], cwd=self.folder, env=own, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape")

    def write(self, files: Mapping[str, str | bytes | None]) -> None:
        """Write files; None deletes one."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files: Mapping[str, str | bytes | None], message: str | bytes = "a change") -> str:
        """Write files and commit everything there is; returns the id."""
        self.write(files)
        (self.folder / ".git" / "message").write_bytes(
            message.encode() if isinstance(message, str) else message
        )
        n_commits = int(self.git("rev-list", "--all", "--count"))
        date = f"{1_600_000_000 + 60 * n_commits} +0000"
        self.git("add", "--all")
        who = {
            f"GIT_{role}_{part}": "Some Body"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        }
        who |= {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        self.git(
            "commit",
            "--quiet",
            "--allow-empty",
            "--allow-empty-message",
            "--cleanup=verbatim",
            "--file=.git/message",
            **who,
        )
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def new_repository(tmp_path: Path) -> Callable[[str], GitRepository]:
    """Makes an empty repository with a work tree in the test's folder."""

    def make(name: str) -> GitRepository:
        repository = GitRepository(tmp_path / name)
        repository.folder.mkdir(parents=True)
        repository.git("init", "--quiet", "--initial-branch=main")
        return repository

    return make


@pytest.fixture
def mit() -> str:
    """The text of the MIT licence."""
    return _MIT


@pytest.fixture
def hang_guard() -> Iterator[None]:
    """Fails a test that is still at work when it could only be going round in circles."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def give_up(*_: object) -> None:
        pytest.fail(f"not done after {SECONDS} seconds")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.fixture(scope="session")
def tiny_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama with random weights, Q4_1 with an embedding in F16; tokenizer.json beside it is what it must be converted to."""
    import gguf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<file_sep>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.decoder = decoders.ByteLevel()
    bpe.train_from_iterator([Path(__file__).read_text("utf-8")], trainer)
    vocabulary = sorted(bpe.get_vocab().items(), key=lambda entry: entry[1])
    merges = json.loads(bpe.to_str())["model"]["merges"]

    path = tmp_path_factory.mktemp("gguf") / "tiny.Q4_1.gguf"
    bpe.save(str(path.with_name("tokenizer.json")))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(2048)
    writer.add_embedding_length(64)
    writer.add_block_count(2)
    writer.add_feed_forward_length(96)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_rope_freq_base(100_000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([3 if i < 3 else 1 for _, i in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in merges])

    random = np.random.default_rng(0)
    q4_1 = gguf.GGMLQuantizationType.Q4_1

    def add_matrix(name: str, n_rows: int, n_columns: int) -> None:
        values = random.normal(0, 0.2, (n_rows, n_columns)).astype(np.float32)
        writer.add_tensor(f"{name}.weight", gguf.quantize(values, q4_1), raw_dtype=q4_1)

    def add_vector(name: str) -> None:
        writer.add_tensor(f"{name}.weight", random.normal(1, 0.1, 64).astype(np.float32))

    writer.add_tensor("token_embd.weight", random.normal(0, 0.2, (len(vocabulary), 64)).astype(np.float16))
    for i in range(2):
        add_vector(f"blk.{i}.attn_norm")
        add_matrix(f"blk.{i}.attn_q", 64, 64)
        add_matrix(f"blk.{i}.attn_k", 32, 64)
        add_matrix(f"blk.{i}.attn_v", 32, 64)
        add_matrix(f"blk.{i}.attn_output", 64, 64)
        add_vector(f"blk.{i}.ffn_norm")
        add_matrix(f"blk.{i}.ffn_gate", 96, 64)
        add_matrix(f"blk.{i}.ffn_up", 96, 64)
        add_matrix(f"blk.{i}.ffn_down", 64, 96)
    add_vector("output_norm")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="session")
def base_folder() -> Path:
    """The pretrained base of this machine; skips where it has not been fetched."""
    from redraft_server import models

    found = models.find(models.models_folder(), models.BASE.name)
    if found is None:
        pytest.skip("the pretrained base has not been fetched; `redraft model get base` does it")
    return found.folder


_MIT = """\
MIT License

Copyright (c) 2020 Some Body

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
