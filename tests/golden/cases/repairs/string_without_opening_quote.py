GREETINGS = {
    "de": "Guten Tag",
    en": "Good day",
    "fr": "Bonjour",
}


def greet(name, language="en"):
    greeting = GREETINGS.get(language, GREETINGS["en"])
    return f"{greeting}, {name}!"


def main():
    for language in sorted(GREETINGS):
        print(greet("Ada", language))


main()
# output
GREETINGS = {
    "de": "Guten Tag",
    "en": "Good day",
    "fr": "Bonjour",
}


def greet(name, language="en"):
    greeting = GREETINGS.get(language, GREETINGS["en"])
    return f"{greeting}, {name}!"


def main():
    for language in sorted(GREETINGS):
        print(greet("Ada", language))


main()
