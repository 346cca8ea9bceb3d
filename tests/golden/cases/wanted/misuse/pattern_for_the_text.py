import re

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]+")


def check_form(name, email, message):
    errors = {}
    if not name.strip():
        errors["name"] = "tell us your name"
    if not EMAIL.fullmatch(EMAIL):
        errors["email"] = "that is no address"
    if len(message) > 1000:
        errors["message"] = "too long"
    return errors
# output
import re

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[a-z]+")


def check_form(name, email, message):
    errors = {}
    if not name.strip():
        errors["name"] = "tell us your name"
    if not EMAIL.fullmatch(email):
        errors["email"] = "that is no address"
    if len(message) > 1000:
        errors["message"] = "too long"
    return errors
