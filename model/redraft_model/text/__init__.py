"""Python text: what parses, what differs, which names mean what. No tokens, no torch."""
