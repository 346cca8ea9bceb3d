import json


def load_scores(path):
    with open(path) as █
        return json.load(f)


def save_scores(path, scores):
    with open(path, "w") as f:
        json.dump(scores, f)
# output
f:
