"""Counts which texts come back exactly after they were written down as something pasted, and which are mistaken for that.

    python benchmarks/recognise.py FOLDER ... [--limit 500] [--seed 0] [--show WAY]

The Python files below the folders should be ones that nothing was tuned on. Each is written down in every way that suits it: with
prompts, line numbers, in fences and so on. Then each is broken by the syntax noise, which nothing should recognise unless the
result is the file again. Prints Markdown.
"""

import argparse
import ast
import difflib
import html
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from redraft_model.data.corpus import Source, find, read
from redraft_model.noise import SyntaxNoise
from redraft_model.recognise.commands import command
from redraft_model.recognise.recogniser import recognised
from redraft_model.text.comments import string_spans
from redraft_model.text.parser import compiles

MAX_LINES = 300
N_BROKEN = 4  # of each file
PRINTED = (
    "42",
    "'abc'",
    "[1, 2]",
    "a = 1",
    "True",
    "# one\nline",
    "<module 'os'>",
    'Traceback (most recent call last):\n  File "<stdin>", line 1, in <module>\nNameError: x',
)


@dataclass(frozen=True)
class Written:
    """What somebody meant, and how it was written down."""

    truth: str
    text: str


# A file's text -> what is meant and how it was written down; None where the way does not suit the text.
Way = Callable[[str, Random], Written | None]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    files = list(texts(options.folders, options.limit, options.seed))
    print(f"{len(files)} files of at most {MAX_LINES} lines.\n")
    print("| written down as | n | recognised | exactly as before |\n|---|---:|---:|---:|")
    for way in WAYS:
        print(row(way, files, options))
    print()
    print_false_alarms(files, options)
    return 0


def texts(folders: Sequence[Path], limit: int, seed: int) -> Iterator[str]:
    """Texts of different files that compile, at most `limit`, in an order that the seed gives."""
    files = list(find(folders).files)
    Random(seed).shuffle(files)
    seen: set[str] = set()
    for file in files:
        source = read(file.full_path)
        if len(seen) == limit:
            return
        if not isinstance(source, Source) or source.text in seen or source.text.count("\n") > MAX_LINES:
            continue
        text = source.text.rstrip("\n") + "\n"
        if text.strip() and compiles(text):
            seen.add(source.text)
            yield text


def row(way: Way, files: Sequence[str], options: argparse.Namespace) -> str:
    name = way.__name__.replace("_", " ")
    n = n_found = n_exact = 0
    for number, file in enumerate(files):
        written = way(file, Random(f"{options.seed}/{number}"))
        if written is None or compiles(written.text):
            continue
        n += 1
        found = recognised(written.text)
        n_found += found is not None
        is_exact = found is not None and found.text == written.truth
        n_exact += is_exact
        if not is_exact and options.show == name:
            show(written.truth, found.text if found else written.text)
    return f"| {name} | {n} | {n_found} | {n_exact} ({n_exact / max(n, 1):.3f}) |"


def print_false_alarms(files: Sequence[str], options: argparse.Namespace) -> None:
    noise = SyntaxNoise()
    n = n_refused = 0
    fired, right = Counter[str](), Counter[str]()
    for number, file in enumerate(files):
        for attempt in range(N_BROKEN):
            broken = noise.corrupt(file, Random(f"{options.seed}/{number}/{attempt}"))
            if broken == file or compiles(broken):
                continue
            n += 1
            found = recognised(broken)
            text = found.text if found else broken
            if found:
                fired[found.what] += 1
                right[found.what] += found.text == file
                if found.text != file and options.show == "false alarms":
                    show(broken, found.text)
            if not compiles(text) and (line := command(text)) is not None:
                n_refused += 1
                if options.show == "refused":
                    print(repr(text.split("\n")[line.line]))
    print(f"{n} broken texts; refused for a command: {n_refused}.\n")
    print("| read as | n | the text that was broken |\n|---|---:|---:|")
    for what, count in fired.most_common():
        print(f"| {what} | {count} | {right[what]} |")


def show(before: str, after: str) -> None:
    lines = difflib.unified_diff(before.split("\n"), after.split("\n"), "before", "after", lineterm="", n=1)
    print("\n".join([*lines][:24]), end="\n\n")


def typed(text: str) -> list[list[str]]:
    """The statements and comments of a text as they can be typed, those with an empty line inside left out."""
    lines = text.split("\n")
    groups: list[list[str]] = []
    end = 0
    for statement in ast.parse(text).body:
        decorators = getattr(statement, "decorator_list", [])
        start = min([statement.lineno, *(each.lineno for each in decorators)]) - 1
        groups += [[line] for line in lines[end:start] if line.startswith("#")]
        end = statement.end_lineno or start + 1
        group = lines[start:end]
        if ";" not in "".join(group) and all(line.strip() for line in group):
            groups.append([line.rstrip() for line in group])
    return groups[:40]


def _session(
    text: str, rng: Random, prompts: Callable[[int], tuple[str, str]], *, is_spaced: bool
) -> Written | None:
    """What is typed, and the same with prompts; some statements print something."""
    truth: list[str] = []
    shown: list[str] = []
    groups = typed(text)
    for number, group in enumerate(groups, 1):
        first, further = prompts(number)
        is_block = any(hasattr(each, "body") for each in ast.parse("\n".join(group)).body)
        lines = [*group, ""] if is_block else group
        truth += lines
        shown += [f"{first}{lines[0]}", *(f"{further}{line}".rstrip() for line in lines[1:])]
        if not is_block and rng.random() < 0.3:
            shown.append(rng.choice(PRINTED))
        if is_spaced:
            shown.append("")
    if len(groups) < 2:
        return None
    return Written("\n".join(truth).strip("\n") + "\n", "\n".join(shown).rstrip("\n") + "\n")


def transcript_of_the_interpreter(text: str, rng: Random) -> Written | None:
    return _session(text, rng, lambda _number: (">>> ", "... "), is_spaced=False)


def transcript_of_ipython(text: str, rng: Random) -> Written | None:
    return _session(text, rng, lambda n: (f"In [{n}]: ", f"{'...: ':>{len(f'In [{n}]: ')}}"), is_spaced=True)


def line_numbers(text: str, rng: Random) -> Written | None:
    style = rng.choice(
        [
            "{n:>4}  {line}",
            "{n}: {line}",
            "{n:>3}|{line}",
            "{n:>6}\t{line}",
            "{n:<4}{line}",
            "{n}. {line}",
            "{n} {line}",
        ]
    )
    start = rng.choice([1, 1, 7, 95])
    lines = text.rstrip("\n").split("\n")
    shown = [style.format(n=number, line=line).rstrip() for number, line in enumerate(lines, start)]
    # Nobody can see blanks at the end of a line.
    truth = re.sub(r"[ \t]+$", "", text, flags=re.M)
    return Written(truth, "\n".join(shown) + "\n")


def _reply(rng: Random) -> tuple[str, str]:
    before = rng.choice(
        [
            "",
            "Sure! Here's the code:\n\n",
            "# A better version\n\nThis does not fail:\n\n",
            "You can write:\n\n",
        ]
    )
    after = rng.choice(
        [
            "",
            "\nThat's it.\n",
            "\n## Notes\n\n- It's fast.\n- Call `main()`.\n",
            "\n```bash\npython main.py\n```\n",
        ]
    )
    return before, after


def one_fence(text: str, rng: Random) -> Written | None:
    before, after = _reply(rng)
    language = rng.choice(["python", "python", "py", ""])
    if language == "" and "```bash" in after:
        language = "python"
    truth = text.strip("\n") + "\n"
    return Written(truth, f"{before}```{language}\n{truth}```\n{after}")


def several_fences(text: str, rng: Random) -> Written | None:
    lines = text.rstrip("\n").split("\n")
    starts = [
        each.lineno - 1
        for each in ast.parse(text).body[1:]
        if isinstance(each, ast.FunctionDef | ast.ClassDef)
    ]
    starts = [at for at in starts if not lines[at - 1].strip()]
    if not starts:
        return None
    at = rng.choice(starts)
    before, after = _reply(rng)
    blocks = ["\n".join(lines[:at]).strip("\n"), "\n".join(lines[at:]).strip("\n")]
    fences = [f"```python\n{block}\n```\n" for block in blocks]
    return Written("\n\n\n".join(blocks) + "\n", before + "\nAnd then it's used:\n\n".join(fences) + after)


def entities(text: str, _rng: Random) -> Written | None:
    return Written(text, html.escape(text))


def entities_but_for_quotes(text: str, _rng: Random) -> Written | None:
    return None if _has_signs_in_strings(text) else Written(text, html.escape(text, quote=False))


def entities_left_in_strings(text: str, _rng: Random) -> Written | None:
    return Written(text, html.escape(text, quote=False)) if _has_signs_in_strings(text) else None


def _has_signs_in_strings(text: str) -> bool:
    return any(re.search(r"[<>&]", span.of(text)) for span in string_spans(text))


def _changed(text: str, rng: Random) -> list[str]:
    """The lines of an older version."""
    lines = text.rstrip("\n").split("\n")
    written = [at for at, line in enumerate(lines) if re.search(r"\w{3}", line)]
    old = list(lines)
    for at in rng.sample(written, min(len(written), rng.randint(1, 4))):
        words = list(re.finditer(r"[A-Za-z]{3,}", lines[at]))
        if words:
            word = rng.choice(words)
            old[at] = lines[at][: word.start()] + "old" + lines[at][word.end() :]
    return old


def diff_with_headers(text: str, rng: Random) -> Written | None:
    n_lines = rng.choice([3, 10_000])
    new = text.rstrip("\n").split("\n")
    diff = list(
        difflib.unified_diff(_changed(text, rng), new, "a/app.py", "b/app.py", lineterm="", n=n_lines)
    )
    if not diff:
        return None
    if n_lines == 3:
        hunks = [line[1:] for line in diff[2:] if line[:1] in "+ "]
        indent = min(len(line) - len(line.lstrip()) for line in hunks if line.strip())
        truth = "\n".join(line[indent:] if line.strip() else "" for line in hunks)
    else:
        truth = "\n".join(new)
    if not compiles(truth):
        return None
    head = rng.choice([[], ["diff --git a/app.py b/app.py", "index 3b18e51..8ab686e 100644"]])
    return Written(truth + "\n", "\n".join([*head, *diff]) + "\n")


def bare_diff(text: str, rng: Random) -> Written | None:
    new = text.rstrip("\n").split("\n")
    has_column = rng.random() < 0.5
    diff = [*difflib.unified_diff(_changed(text, rng), new, lineterm="", n=10_000)][3:]
    shown = [line if has_column or line[:1] != " " else line[1:] for line in diff]
    return Written(text, "\n".join(shown) + "\n")


def _with_comments(text: str, write: Callable[[str], str]) -> Written | None:
    lines = text.split("\n")
    truth = list(lines)
    n_comments = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and not token.string.startswith("#!"):
                row, column = token.start
                truth[row - 1] = lines[row - 1].rstrip()
                lines[row - 1] = lines[row - 1][:column] + write(token.string.rstrip())
                n_comments += 1
    except (tokenize.TokenError, SyntaxError):
        return None
    return Written("\n".join(truth), "\n".join(lines)) if n_comments else None


def slash_comments(text: str, _rng: Random) -> Written | None:
    return _with_comments(text, lambda comment: "//" + comment[1:])


def block_comments(text: str, _rng: Random) -> Written | None:
    if "*/" in text:
        return None
    return _with_comments(text, lambda comment: f"/*{comment[1:]} */")


def bodies_without_pass(text: str, rng: Random) -> Written | None:
    """A block whose body is a comment, as somebody writes who will go on later."""
    lines = text.split("\n")
    blocks = [
        each
        for each in ast.walk(ast.parse(text))
        if isinstance(each, ast.FunctionDef | ast.For | ast.While | ast.If | ast.With)
        and not getattr(each, "orelse", None)
        and each.body[0].lineno > each.lineno
    ]
    if not blocks:
        return None
    body = rng.choice(blocks).body
    start, end = body[0].lineno - 1, body[-1].end_lineno or body[-1].lineno
    indent = " " * body[0].col_offset
    head = [*lines[:start], indent + rng.choice(["# TODO", "# Nothing to do here.", "# x = 1"])]
    truth = [*head, f"{indent}pass", *lines[end:]]
    return Written("\n".join(truth), "\n".join([*head, *lines[end:]]))


def mark_in_front(text: str, rng: Random) -> Written | None:
    """A quoted mail, a list, a box without its right side."""
    mark = rng.choice(["> ", "> ", "> > ", ">", "| ", "│ ", "• ", "* ", "- "])
    has_empty_marks = rng.random() < 0.5
    lines = [
        f"{mark}{line}".rstrip() if line.strip() or has_empty_marks else "" for line in text[:-1].split("\n")
    ]
    return Written(re.sub(r"[ \t]+$", "", text, flags=re.M), "\n".join(lines) + "\n")


def mark_behind(text: str, rng: Random) -> Written | None:
    """The source of a web page, or line ends made visible."""
    mark = rng.choice(["<br>", "<br/>", "<br />", "¶", "↵", " |"])
    lines = [f"{line}{mark}" for line in text[:-1].split("\n")]
    return Written(re.sub(r"[ \t]+$", "", text, flags=re.M), "\n".join(lines) + "\n")


def mark_of_a_merge(text: str, rng: Random) -> Written | None:
    """What is left where somebody has decided a conflict by hand."""
    lines = text.split("\n")
    mark = rng.choice(["<<<<<<< HEAD", "=======", ">>>>>>> feature/more", ">>>>>>> 1f0c2ab (Say it)"])
    inside = {
        number
        for span in string_spans(text)
        for number in range(text.count("\n", 0, span.start) + 1, text.count("\n", 0, span.end) + 1)
    }
    places = [number for number in range(len(lines)) if number not in inside]
    lines.insert(rng.choice(places), mark)
    return Written(text, "\n".join(lines))


def tabs_and_spaces(text: str, rng: Random) -> Written | None:
    """Some lines indented in the other way."""
    lines = text.split("\n")
    spaces = [number for number, line in enumerate(lines) if line.startswith("    ") and line.strip()]
    inside = {
        number
        for span in string_spans(text)
        for number in range(text.count("\n", 0, span.start) + 1, text.count("\n", 0, span.end) + 1)
    }
    places = [number for number in spaces if number not in inside]
    if "\t" in text or len(places) < 3:
        return None
    start = rng.randrange(len(places))
    width = rng.choice([4, 4, 8])
    for number in places[start : start + rng.randint(1, min(8, (len(places) + 1) // 2))]:
        code = lines[number].lstrip(" ")
        n_columns = len(lines[number]) - len(code)
        lines[number] = "\t" * (n_columns // width) + " " * (n_columns % width) + code
    return Written(text, "\n".join(lines))


WAYS: tuple[Way, ...] = (
    mark_in_front,
    mark_behind,
    mark_of_a_merge,
    tabs_and_spaces,
    transcript_of_the_interpreter,
    transcript_of_ipython,
    line_numbers,
    one_fence,
    several_fences,
    entities,
    entities_but_for_quotes,
    entities_left_in_strings,
    diff_with_headers,
    bare_diff,
    slash_comments,
    block_comments,
    bodies_without_pass,
)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Count what is recognised, and what is mistaken for something."
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="folders with Python files")
    parser.add_argument("--limit", type=int, default=500, help="files at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--show", default="", help="print what of this way does not come back, or 'false alarms'"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
