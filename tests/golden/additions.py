"""Later releases may add fields to what is stored or published, and nothing else."""

from typing import Any


def without_additions(found: Any, expected: Any) -> Any:
    """`found` without the fields of objects that `expected` does not have."""
    match found, expected:
        case dict(), dict():
            return {
                name: without_additions(value, expected[name])
                for name, value in found.items()
                if name in expected
            }
        case list(), list():
            pairs = zip(found, expected, strict=False)
            rest = found[len(expected) :]
            return [*(without_additions(one, other) for one, other in pairs), *rest]
    return found
