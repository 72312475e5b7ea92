"""Asking the operator before something is done that cannot be taken back."""


def typed(question: str) -> str:
    """What was typed; nothing where nobody is there to type."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def agreed(question: str) -> bool:
    """Whether the answer was yes."""
    return typed(f"{question} [y/N] ").lower() in ("y", "yes")
