"""Compiles the messages, previews them on pages, and makes the pictures of docs/mail."""

import html
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from string import Template

from chalicelib.domain.policy.languages import DEFAULT
from chalicelib.outreach.rendering import (
    COMPILED,
    SOURCES,
    RenderedEmail,
    languages,
    messages,
    render,
)
from chalicelib.outreach.samples import SAMPLES, SHOWN

TEMPLATES = Path(__file__).with_name("templates")
PICTURES = Path(__file__).parents[2] / "docs" / "mail"
DESKTOP, PHONE, SHEET = 720, 390, 2000


def sources() -> tuple[Path, ...]:
    """The MJML file of each message in each language. Files that begin with _ are shared parts."""
    return tuple(sorted(path for path in SOURCES.glob("*/*.mjml") if not path.name.startswith("_")))


def compiled(source: Path) -> str:
    """The HTML of one MJML source with its shared parts. The same source gives the same text."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment
    from mjml import mjml2html

    workshop = SandboxedEnvironment(
        loader=FileSystemLoader([source.parent, SOURCES]),
        undefined=StrictUndefined,
        autoescape=False,
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
    mjml = workshop.get_template(source.name).render(language=source.parent.name)
    return f"{mjml2html(mjml, disable_comments=True, fonts={}).strip()}\n"


def compile_all() -> list[Path]:
    """Compile every source into the folder that is deployed, delete files without a source, and
    return the names of all compiled files.
    """
    pages = {
        COMPILED / source.parent.name / f"{source.stem}.html": compiled(source)
        for source in sources()
    }
    for path in COMPILED.glob("*/*.html"):
        if path not in pages:
            path.unlink()
    for path, page in pages.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    return sorted(pages)


def preview(folder: Path) -> Path:
    """Write a page for each language with every message in light, in dark and as text, for one
    fitting reader, with links to all other readers. Returns the path of the page of the default
    language, which links to the others.
    """
    for language in SAMPLES:
        room = folder / language
        room.mkdir(parents=True, exist_ok=True)
        page = _template("gallery").substitute(
            language=language, links=_links(language), messages="\n".join(_entries(room, language))
        )
        (room / "index.html").write_text(page, encoding="utf-8")
    return folder / DEFAULT / "index.html"


def pictures(folder: Path = PICTURES, browser: str = "chromium") -> list[Path]:
    """Make the pictures of docs/mail with a headless Chromium: all messages of a language on one
    sheet, and the welcome message in dark and on a phone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = [_sheet(folder / f"sheet-{language}.png", language, browser) for language in SAMPLES]
    made.append(_picture(folder / "payment_failed.png", "payment_failed", browser))
    made.append(_picture(folder / "welcome-dark.png", "welcome", browser, dark=True))
    made.append(_picture(folder / "welcome-phone.png", "welcome", browser, width=PHONE))
    return made


def _template(name: str) -> Template:
    return Template((TEMPLATES / f"{name}.html").read_text(encoding="utf-8"))


def _shown(message: str) -> str:
    return SHOWN.get(message, "without_card")


def _in(language: str) -> list[str]:
    return [message for message in messages() if language in languages(message)]


def _links(language: str) -> str:
    return " ".join(
        f'<a href="../{other}/index.html">{other}</a>' for other in SAMPLES if other != language
    )


def _entries(folder: Path, language: str) -> Iterator[str]:
    for message in _in(language):
        shown = _shown(message)
        others = [name for name in SAMPLES[language] if name != shown]
        more = "".join(f"<li>{_files(folder, message, name, language)[0]}</li>" for name in others)
        yield (
            f"{_entry(folder, message, shown, language)}<details><summary>The same for other"
            f" readers</summary><ul>{more}</ul></details></section>"
        )


def _entry(folder: Path, message: str, sample: str, language: str) -> str:
    mail = render(message, SAMPLES[language][sample], language)
    links, light, dark = _files(folder, message, sample, language)
    return f"""<section id="{message}"><h2>{message}</h2>
<p><b>{html.escape(mail.subject)}</b><br>{html.escape(mail.preheader)}<br><small>{links}</small></p>
<div class="row"><iframe src="{light}" title="{message}, light"></iframe>
<iframe src="{dark}" title="{message}, dark"></iframe>
<pre>{html.escape(mail.text)}</pre></div>"""


def _files(folder: Path, message: str, sample: str, language: str) -> tuple[str, str, str]:
    """Write one message for one reader into three files. Returns links to them, and the names of
    the light and the dark one.
    """
    mail = render(message, SAMPLES[language][sample], language)
    stem = f"{message}.{sample}"
    for suffix, text in (
        ("light.html", _as_light(mail)),
        ("dark.html", _as_dark(mail)),
        ("txt", mail.text),
    ):
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    light, dark = f"{stem}.light.html", f"{stem}.dark.html"
    return (
        (
            f'{sample}: <a href="{light}">light</a>, <a href="{dark}">dark</a>, <a'
            f' href="{stem}.txt">text</a>'
        ),
        light,
        dark,
    )


def _as_light(mail: RenderedEmail) -> str:
    return _only(mail.html, "light").replace("(prefers-color-scheme: dark)", "not all")


def _as_dark(mail: RenderedEmail) -> str:
    return _only(mail.html, "dark").replace("(prefers-color-scheme: dark)", "all")


def _only(page: str, scheme: str) -> str:
    return page.replace('content="light dark"', f'content="{scheme}"').replace(
        "color-scheme: light dark", f"color-scheme: {scheme}"
    )


def _picture(
    path: Path, message: str, browser: str, width: int = DESKTOP, dark: bool = False
) -> Path:
    """A picture as tall as the message. It is in a frame, because a browser window cannot be as
    narrow as a phone.
    """
    with tempfile.TemporaryDirectory() as room:
        (Path(room) / "message.html").write_text(
            render(message, SAMPLES[DEFAULT][_shown(message)]).html, encoding="utf-8"
        )
        return _shot(
            path,
            Path(room),
            _template("frame").substitute(width=width),
            browser,
            max(width, 500),
            dark=dark,
            scale=1.5,
        )


def _sheet(path: Path, language: str, browser: str) -> Path:
    """All messages of a language side by side, each for its usual reader."""
    with tempfile.TemporaryDirectory() as room:
        frames = []
        for message in _in(language):
            mail = render(message, SAMPLES[language][_shown(message)], language)
            (Path(room) / f"{message}.html").write_text(_as_light(mail), encoding="utf-8")
            frames.append(_THUMB.format(message=message, subject=html.escape(mail.subject)))
        page = _template("sheet").substitute(frames="\n".join(frames))
        return _shot(path, Path(room), page, browser, SHEET)


def _shot(
    path: Path,
    room: Path,
    page: str,
    browser: str,
    width: int,
    dark: bool = False,
    scale: float = 1.0,
) -> Path:
    """A picture of a page that gives its height in `data-height` once everything is loaded."""
    frame = room / "frame.html"
    frame.write_text(page, encoding="utf-8")
    scheme = "--blink-settings=preferredColorScheme=" + ("0" if dark else "1")
    flags = [*_chromium(browser, room), scheme, f"--force-device-scale-factor={scale}"]
    found = re.search(
        r'data-height="(\d+)"',
        _browse(*flags, f"--window-size={width},900", "--dump-dom", frame.as_uri()),
    )
    if not found:
        raise RuntimeError(f"{browser} did not show {path.stem}.")
    _browse(
        *flags,
        f"--window-size={width},{found[1]}",
        f"--screenshot={path.absolute()}",
        frame.as_uri(),
    )
    return path


def _browse(*command: str) -> str:
    done = subprocess.run(  # noqa: S603  # nosec B603 # the command is ours
        command, capture_output=True, text=True, check=True
    )
    return done.stdout


def _chromium(browser: str, room: Path) -> Iterator[str]:
    yield shutil.which(browser) or browser
    yield from (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
    )
    yield from (
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--allow-file-access-from-files",
    )
    yield f"--user-data-dir={room / 'profile'}"


_THUMB = """<figure><figcaption><b>{message}</b><br>{subject}</figcaption><div><iframe
src="{message}.html"></iframe></div></figure>"""

if __name__ == "__main__":
    for made in compile_all():
        print(made.relative_to(Path.cwd()) if made.is_relative_to(Path.cwd()) else made)
