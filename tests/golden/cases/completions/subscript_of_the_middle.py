def mean(numbers):
    if not numbers:
        raise ValueError("mean of nothing")
    return sum(numbers) / len(numbers)


def variance(numbers):
    center = mean(numbers)
    return sum((number - center) ** 2 for number in numbers) / len(numbers)


def median(numbers):
    ordered = sorted(numbers)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[█
    return (ordered[middle - 1] + ordered[middle]) / 2
# output
middle]
