"""Plain mail to the team: a title and paragraphs."""

import html
from collections.abc import Iterable, Sequence

from chalicelib.outreach.rendering import SUBJECT_AT_MOST, RenderedEmail

Lines = Sequence[str]


def plain(product: str, title: str, paragraphs: Iterable[Lines]) -> RenderedEmail:
    """A message of a title and paragraphs, each a list of lines. Every line is escaped and stays
    one line. A line that starts with https:// becomes a link.
    """
    subject = _one_line(f"[{product}] {title}")[:SUBJECT_AT_MOST]
    blocks = [[_one_line(line) for line in lines] for lines in paragraphs]
    text = "\n\n".join("\n".join(lines) for lines in ([_one_line(title)], *blocks)) + "\n"
    body = "".join(f"<p>{'<br>'.join(map(_line_html, lines))}</p>" for lines in blocks)
    heading = f'<h1 style="font-size:18px">{html.escape(_one_line(title))}</h1>'
    page = (
        '<!doctype html><html lang="en"><head><meta'
        f' charset="utf-8"></head><body>{heading}{body}</body></html>'
    )
    return RenderedEmail(subject, subject, page, text)


def _line_html(line: str) -> str:
    escaped = html.escape(line)
    return f'<a href="{escaped}">{escaped}</a>' if line.startswith("https://") else escaped


def _one_line(value: str) -> str:
    """The value without line breaks, control characters and marks of text direction."""
    return "".join(letter for letter in " ".join(value.split()) if letter.isprintable())
