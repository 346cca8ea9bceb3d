import numpy as █


def normalise(values):
    values = np.asarray(values, dtype=float)
    mean = np.mean(values)
    deviation = np.std(values)
    if deviation == 0:
        return np.zeros_like(values)
    return (values - mean) / deviation
# output
np
