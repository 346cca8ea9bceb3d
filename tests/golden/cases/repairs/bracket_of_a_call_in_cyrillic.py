def показать(слова):
    print("всего:", len(слова, "слов")
    return len(слова)
# output
def показать(слова):
    print("всего:", len(слова), "слов")
    return len(слова)
