"""What was found about one thing: that it is well, that it is wrong and what mends it, or that it
cannot be known.
"""

from dataclasses import dataclass

OK, WRONG, UNKNOWN = "ok", "wrong", "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """`cure` is a command, or the exact place where a person mends it; empty where nothing is to be
    done.
    """

    state: str
    subject: str
    says: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.state:<9}{self.subject}: {self.says}" + (
            f"\n{'':<9}→ {self.cure}" if self.cure else ""
        )


def ok(subject: str, says: str, cure: str = "") -> Finding:
    """What is well; `cure` is for what could still be better."""
    return Finding(OK, subject, says, cure)


def wrong(subject: str, says: str, cure: str) -> Finding:
    """What must be mended."""
    return Finding(WRONG, subject, says, cure)


def unknown(subject: str, says: str, cure: str = "") -> Finding:
    """What could not be looked at, or only by a person."""
    return Finding(UNKNOWN, subject, says, cure)
