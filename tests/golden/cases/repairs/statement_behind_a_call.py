def render(template, values):
    text = template
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", str(value)) return text


def render_all(template, rows):
    return [render(template, row) for row in rows]
# output
def render(template, values):
    text = template
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", str(value))
    return text


def render_all(template, rows):
    return [render(template, row) for row in rows]
