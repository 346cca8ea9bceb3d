"""Text that parses: names, operators and literals that are likely wrong."""
