import argparse
import logging

logger = logging.getLogger(█


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("input")
    parser.add_argument("output")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.INFO)
    logger.info("reading %s", args.input)


if __name__ == "__main__":
    main()
# output
__name__)
