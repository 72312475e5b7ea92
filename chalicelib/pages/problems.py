"""What a page tells about an error that the visitor can correct."""

from chalicelib.domain.errors import BillhookError
from chalicelib.pages.texts import has_text, text


def problem_text(error: BillhookError, language: str) -> str:
    """The most specific text for an error: for its code with its field and its kind, with either,
    or for the code alone; else one for any error.

    The error's own message is not shown: it is English and written for programmers.
    """
    specific = (
        (error.code, error.field, error.kind),
        (error.code, error.kind),
        (error.code, error.field),
        (error.code,),
    )
    names = ("_".join(filter(None, parts)) for parts in specific)
    known = (key for name in names if has_text(key := f"problem.{name}", language))
    return text(next(known, "problem.other"), language)
