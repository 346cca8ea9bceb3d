"""Cuts the pictures of film.ts into one animated picture.

Usage: film.py FRAMES FILE STILL SMALL; FRAMES has PNG files named after the millisecond they are from, and review.png, which
becomes STILL, and SMALL for the walkthrough.
"""

import sys
from itertools import pairwise
from pathlib import Path

from PIL import Image

MAX_BYTES = 1_000_000
MAX_STILL_BYTES = 150_000
MAX_SMALL_BYTES = 40_000

# Nothing that matters happens faster, and a picture that stands longer only makes people wait.
SHORTEST, LONGEST, LAST = 40, 1500, 2500


def main(frames: Path, film: Path, still: Path, small: Path) -> None:
    """Write the film and the still picture, and end with an error if one is too large."""
    files = sorted(file for file in frames.glob("*.png") if file.stem.isdigit())
    pictures: list[Image.Image] = []
    starts: list[int] = []
    for file in files:
        picture = Image.open(file).convert("RGB")
        if pictures and picture.tobytes() == pictures[-1].tobytes():
            continue
        if starts and int(file.stem) - starts[-1] < SHORTEST:
            pictures[-1] = picture
            continue
        pictures.append(picture)
        starts.append(int(file.stem))
    if len(pictures) < 10:
        sys.exit(f"There are only {len(pictures)} different pictures in {frames}; film again.")
    durations = [min(LONGEST, after - before) for before, after in pairwise(starts)]
    pictures[0].save(
        film,
        save_all=True,
        append_images=pictures[1:],
        duration=[*durations, LAST],
        loop=0,
        quality=80,
        method=4,
    )
    Image.open(frames / "review.png").convert("RGB").save(still, quality=85, method=6)
    review = Image.open(frames / "review.png").convert("RGB")
    # The code and its lenses, without the window around them.
    review.crop((0, 64, 720, 344)).quantize(64).save(small, optimize=True)
    for file, most in ((film, MAX_BYTES), (still, MAX_STILL_BYTES), (small, MAX_SMALL_BYTES)):
        size = file.stat().st_size
        print(f"{file}: {size} bytes")
        if size > most:
            sys.exit(f"{file} has more than {most} bytes")
    print(f"{len(pictures)} pictures, {sum(durations) / 1000:.1f} s")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:5]))
