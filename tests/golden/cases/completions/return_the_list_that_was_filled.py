def moving_average(values, size):
    """The mean of every `size` neighbours."""
    averages = []
    for i in range(len(values) - size + 1):
        window = values[i : i + size]
        averages.append(sum(window) / size)
    return █
# output
averages
