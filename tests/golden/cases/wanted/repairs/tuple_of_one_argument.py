import sqlite3


def users(path, age):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name FROM users WHERE age > ?", (age,).fetchall()
    return [name for name, in rows]
# output
import sqlite3


def users(path, age):
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name FROM users WHERE age > ?", (age,)).fetchall()
    return [name for name, in rows]
