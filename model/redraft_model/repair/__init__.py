"""Text that does not parse: a search over edits, and which of its solutions is meant."""
