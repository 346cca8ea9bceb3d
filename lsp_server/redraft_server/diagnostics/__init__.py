"""What linters and type checkers have found, as places for the misuse search."""
