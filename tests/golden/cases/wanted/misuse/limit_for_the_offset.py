def list_orders(connection, customer, limit=50, offset=0):
    sql = "SELECT * FROM orders WHERE customer = ? ORDER BY date LIMIT ? OFFSET ?"
    return connection.execute(sql, (customer, limit, limit)).fetchall()


def count_orders(connection, customer):
    sql = "SELECT COUNT(*) FROM orders WHERE customer = ?"
    return connection.execute(sql, (customer,)).fetchone()[0]
# output
def list_orders(connection, customer, limit=50, offset=0):
    sql = "SELECT * FROM orders WHERE customer = ? ORDER BY date LIMIT ? OFFSET ?"
    return connection.execute(sql, (customer, limit, offset)).fetchall()


def count_orders(connection, customer):
    sql = "SELECT COUNT(*) FROM orders WHERE customer = ?"
    return connection.execute(sql, (customer,)).fetchone()[0]
