"""The finding of a check: fine, wrong with a fix, or unknown."""

from dataclasses import dataclass

OK, WRONG, UNKNOWN = "ok", "wrong", "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """`cure` is a command, or the exact place where a person can fix it; empty if nothing is to be
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
    """Fine; `cure` is for what could be improved."""
    return Finding(OK, subject, says, cure)


def wrong(subject: str, says: str, cure: str) -> Finding:
    """Wrong."""
    return Finding(WRONG, subject, says, cure)


def unknown(subject: str, says: str, cure: str = "") -> Finding:
    """Unknown: it could not be checked, or only a person can check it."""
    return Finding(UNKNOWN, subject, says, cure)
