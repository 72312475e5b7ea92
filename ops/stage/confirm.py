"""Asks the operator before something that cannot be undone."""


def typed(question: str) -> str:
    """What was typed; empty without a terminal."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def agreed(question: str) -> bool:
    """Whether the answer was yes."""
    return typed(f"{question} [y/N] ").lower() in ("y", "yes")
