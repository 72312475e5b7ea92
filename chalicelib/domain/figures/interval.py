"""The confidence interval of a difference of two shares."""

from math import sqrt

Z = 1.959964
"""The quantile of the normal distribution for 95 %."""


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of a share, 95 %. `of` is at least 1."""
    share, square = hits / of, Z * Z
    middle, reach = (
        share + square / (2 * of),
        Z * sqrt(share * (1 - share) / of + square / (4 * of * of)),
    )
    return (middle - reach) / (1 + square / of), (middle + reach) / (1 + square / of)


def difference(
    hits: int, of: int, other_hits: int, other_of: int
) -> tuple[float, float, float] | None:
    """The difference of two shares, with the ends of its 95 % interval; None if one of them has no
    cases.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, pages 873 to 890, method 10):
    right for small numbers and shares near 0 too.
    """
    if not of or not other_of:
        return None
    one, two = hits / of, other_hits / other_of
    (low, high), (other_low, other_high) = wilson(hits, of), wilson(other_hits, other_of)
    return (
        one - two,
        one - two - sqrt((one - low) ** 2 + (other_high - two) ** 2),
        one - two + sqrt((high - one) ** 2 + (two - other_low) ** 2),
    )
