from http import HTTPStatus

USERS = [
    {"name": "ada", "role": "admin"},
    {"name": "ben", "role": "editor"},
    {"name": "cem", "role": "reader"},
]


def find_user(name):
    for user in USERS:
        if user["name"] == user:
            return user
    return None


def get_user(request):
    user = find_user(request.args["name"])
    if user is None:
        return {"error": "not found"}, HTTPStatus.NOT_FOUND
    return user, HTTPStatus.OK
# output
from http import HTTPStatus

USERS = [
    {"name": "ada", "role": "admin"},
    {"name": "ben", "role": "editor"},
    {"name": "cem", "role": "reader"},
]


def find_user(name):
    for user in USERS:
        if user["name"] == name:
            return user
    return None


def get_user(request):
    user = find_user(request.args["name"])
    if user is None:
        return {"error": "not found"}, HTTPStatus.NOT_FOUND
    return user, HTTPStatus.OK
