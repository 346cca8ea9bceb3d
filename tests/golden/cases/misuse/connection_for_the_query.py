import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
)
"""


def connect(path):
    connection = sqlite3.connect(path)
    connection.execute(SCHEMA)
    return connection


def add_note(connection, text):
    cursor = connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))
    connection.commit()
    return cursor.lastrowid


def find_notes(connection, word):
    query = "SELECT id, text FROM notes WHERE text LIKE ?"
    return connection.execute(connection, (f"%{word}%",)).fetchall()
# output
import sqlite3

SCHEMA = """
CREATE TABLE IF NOT EXISTS notes (
    id INTEGER PRIMARY KEY,
    text TEXT NOT NULL
)
"""


def connect(path):
    connection = sqlite3.connect(path)
    connection.execute(SCHEMA)
    return connection


def add_note(connection, text):
    cursor = connection.execute("INSERT INTO notes (text) VALUES (?)", (text,))
    connection.commit()
    return cursor.lastrowid


def find_notes(connection, word):
    query = "SELECT id, text FROM notes WHERE text LIKE ?"
    return connection.execute(query, (f"%{word}%",)).fetchall()
