import argparse
from pathlib import Path


def parse_arguments():
    parser = argparse.ArgumentParser(description="Resize all images of a folder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=800)
    parser.add_argument(
        "--quality",
        type=int,
        default=85,
        help="of the JPEG files",
    
    return parser.parse_args()


def main():
    args = parse_arguments()
    for path in sorted(args.folder.glob("*.jpg")):
        print(path, args.width, args.quality)


if __name__ == "__main__":
    main()
# output
import argparse
from pathlib import Path


def parse_arguments():
    parser = argparse.ArgumentParser(description="Resize all images of a folder")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=800)
    parser.add_argument(
        "--quality",
        type=int,
        default=85,
        help="of the JPEG files",
    )
    return parser.parse_args()


def main():
    args = parse_arguments()
    for path in sorted(args.folder.glob("*.jpg")):
        print(path, args.width, args.quality)


if __name__ == "__main__":
    main()
