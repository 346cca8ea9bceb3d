"""Fitted weights that lie beside a checkpoint, as probabilities. Knows no feature."""
