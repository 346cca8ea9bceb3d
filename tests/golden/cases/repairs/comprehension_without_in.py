from collections import defaultdict


def index_by_tag(posts):
    index = defaultdict(list)
    for post in posts:
        for tag in post.tags:
            index[tag].append(post)
    return index


def related(post, index, limit=5):
    found = {other for tag post.tags for other in index[tag] if other is not post}
    return sorted(found, key=lambda other: other.date, reverse=True)[:limit]
# output
from collections import defaultdict


def index_by_tag(posts):
    index = defaultdict(list)
    for post in posts:
        for tag in post.tags:
            index[tag].append(post)
    return index


def related(post, index, limit=5):
    found = {other for tag in post.tags for other in index[tag] if other is not post}
    return sorted(found, key=lambda other: other.date, reverse=True)[:limit]
