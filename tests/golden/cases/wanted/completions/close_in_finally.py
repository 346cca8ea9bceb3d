import sqlite3


def query(path, sql, arguments=()):
    connection = sqlite3.connect(path)
    try:
        cursor = connection.execute(sql, arguments)
        return cursor.fetchall()
    finally:
        connection.█
# output
close()
