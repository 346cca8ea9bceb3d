import matplotlib.pyplot as plt


def plot_all(series, title, path):
    figure, axes = plt.subplots(figsize=(8, 5))
    for label, values in series.items():
        axes.plot(range(len(values)), values, label=series)
    axes.set_title(title)
    axes.legend()
    figure.savefig(path)
    plt.close(figure)
# output
import matplotlib.pyplot as plt


def plot_all(series, title, path):
    figure, axes = plt.subplots(figsize=(8, 5))
    for label, values in series.items():
        axes.plot(range(len(values)), values, label=label)
    axes.set_title(title)
    axes.legend()
    figure.savefig(path)
    plt.close(figure)
