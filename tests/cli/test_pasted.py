"""`redraft fix` on text that was pasted from elsewhere, with the checkpoint that comes with it, in a real process."""

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "redraft_server.cli", "fix", "--device", "cpu", "--model", "tiny"]
PASTED = """\
# How to

It's easy:

```python
def half(x):
    # not // of it
    return x / 2
```
"""
CODE = "def half(x):\n    # not // of it\n    return x / 2\n"


def test_a_pasted_file_is_written_as_what_it_is_and_a_refused_one_stays(tmp_path: Path) -> None:
    pasted, refused = tmp_path / "pasted.py", tmp_path / "refused.py"
    pasted.write_text(PASTED)
    refused.write_text("import os\n%time os.stat('.')\n")
    done = subprocess.run(
        [*COMMAND, "--write", "--json", pasted, refused], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert pasted.read_text() == CODE
    assert refused.read_text().endswith("%time os.stat('.')\n")
    fixed, failed = json.loads(done.stdout)["files"]
    assert (fixed["status"], fixed["read_as"]) == ("fixed", "Python in a Markdown fence")
    assert fixed["n_forward"] == 0
    assert failed["reason"] == "line 2 is an IPython magic; remove it, or give the notebook"
    assert f"fixed: {pasted} (read as Python in a Markdown fence; " in done.stderr
