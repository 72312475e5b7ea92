"""Asking the operator before something is done that cannot be taken back."""


def agreed(question: str) -> bool:
    """Whether the operator says yes. Where nobody can answer, the answer is no."""
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False
