LIMITS = [50, 60 70, 80, 90]
GRADES = "FEDCBA"


def grade(score):
    for limit, letter in zip(LIMITS, GRADES):
        if score < limit:
            return letter
    return "A"


def histogram(scores):
    counts = dict.fromkeys(GRADES, 0)
    for score in scores:
        counts[grade(score)] += 1
    return counts
# output
LIMITS = [50, 60, 70, 80, 90]
GRADES = "FEDCBA"


def grade(score):
    for limit, letter in zip(LIMITS, GRADES):
        if score < limit:
            return letter
    return "A"


def histogram(scores):
    counts = dict.fromkeys(GRADES, 0)
    for score in scores:
        counts[grade(score)] += 1
    return counts
