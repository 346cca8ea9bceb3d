"""Fitting a checkpoint's calibration, and judging it: held-out code is broken, repaired, and compared with what it was."""
