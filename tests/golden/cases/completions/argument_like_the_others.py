import numpy as np


def normalise(values):
    values = np.asarray(values, dtype=float)
    mean = np.mean(values)
    deviation = np.std(values)
    if deviation == 0:
        return np.zeros_like(█
    return (values - mean) / deviation
# output
values)
