"""Confidence interval of a share. Knows nothing of benchmarks."""

from math import sqrt

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


def wilson(count: int, n: int, z: float = Z_95) -> tuple[float, float]:
    """Wilson score interval (low, high) of `count` successes in `n` trials, both in [0, 1].

    Unlike the textbook interval it stays inside [0, 1] and has a width at 0 and at n. Nothing tried (n = 0)
    gives (0, 1): nothing is known.

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22,
    1927.

    Raises:
        ValueError: `count` is not between 0 and `n`.
    """
    if not 0 <= count <= n:
        raise ValueError(f"a share needs 0 <= count <= n, got {count} of {n}")
    if n == 0:
        return 0.0, 1.0
    rate = count / n
    centre = rate + z * z / (2 * n)
    spread = z * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At 0 and at n the bound is exactly 0 or 1; rounding would leave 1e-17 there.
    low = 0.0 if count == 0 else (centre - spread) / scale
    high = 1.0 if count == n else (centre + spread) / scale
    return low, high
