from collections import █


def commonest(text, n=10):
    words = text.lower().split()
    counts = Counter(words)
    return [word for word, _ in counts.most_common(n)]
# output
Counter
