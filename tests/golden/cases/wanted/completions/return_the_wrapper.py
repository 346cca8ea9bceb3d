import functools


def traced(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        print("calling", function.__name__)
        return function(*args, **kwargs)

    return █


@traced
def add(a, b):
    return a + b
# output
wrapper
