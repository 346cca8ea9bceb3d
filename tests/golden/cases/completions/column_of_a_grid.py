class Grid:
    def __init__(self, rows, columns):
        self.rows = rows
        self.columns = columns
        self.cells = [[0] * columns for _ in range(rows)]

    def get(self, row, column):
        return self.cells[row][█

    def put(self, row, column, value):
        self.cells[row][column] = value
# output
column]
