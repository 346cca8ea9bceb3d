from collections import Counter
from pathlib import Path


def count_words(path):
    counts = Counter()
    for line in Path(path).read_text().splitlines(): for word in line.split():
            counts[word.lower()] += 1
    return counts


def print_table(counts, n):
    width = max(len(word) for word in counts)
    for word, count in counts.most_common(n):
        print(f"{word:<{width}} {count:>6}")
# output
from collections import Counter
from pathlib import Path


def count_words(path):
    counts = Counter()
    for line in Path(path).read_text().splitlines():
        for word in line.split():
            counts[word.lower()] += 1
    return counts


def print_table(counts, n):
    width = max(len(word) for word in counts)
    for word, count in counts.most_common(n):
        print(f"{word:<{width}} {count:>6}")
