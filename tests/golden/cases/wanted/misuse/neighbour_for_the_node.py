from collections import deque


def distances(graph, start):
    found = {start: 0}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for neighbour in graph[node]:
            if neighbour not in found:
                found[neighbour] = found[neighbour] + 1
                queue.append(neighbour)
    return found


def count_reachable(graph, start):
    n = 0
    for _ in distances(graph, start):
        n += 1
    return n
# output
from collections import deque


def distances(graph, start):
    found = {start: 0}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for neighbour in graph[node]:
            if neighbour not in found:
                found[neighbour] = found[node] + 1
                queue.append(neighbour)
    return found


def count_reachable(graph, start):
    n = 0
    for _ in distances(graph, start):
        n += 1
    return n
