"""The messages' workshop: compile their sources, show them all on one page, make pictures of them."""

import html
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from chalicelib.outreach.rendering import COMPILED, SOURCES, Mail, messages, render
from chalicelib.outreach.samples import SAMPLES, SHOWN

PICTURES = Path(__file__).parents[1] / "docs" / "mail"
DESKTOP, PHONE = 720, 390


def sources() -> tuple[Path, ...]:
    """The MJML file of each message; those that begin with _ are what messages share."""
    return tuple(sorted(path for path in SOURCES.glob("*.mjml") if not path.name.startswith("_")))


def compiled(source: Path) -> str:
    """The HTML of one source: its shared parts put in, its MJML made into what mail programs show. The same source gives the same text."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment
    from mjml import mjml2html

    workshop = SandboxedEnvironment(
        loader=FileSystemLoader(source.parent),
        undefined=StrictUndefined,
        autoescape=False,
        block_start_string="[%",
        block_end_string="%]",
        variable_start_string="[[",
        variable_end_string="]]",
        comment_start_string="[#",
        comment_end_string="#]",
    )
    mjml = workshop.get_template(source.name).render()
    return f"{mjml2html(mjml, disable_comments=True, fonts={}).strip()}\n"


def compile_all() -> list[Path]:
    """Compile every source into the folder that is deployed, take away what has no source any more, and name what now stands there."""
    COMPILED.mkdir(exist_ok=True)
    pages = {COMPILED / f"{source.stem}.html": compiled(source) for source in sources()}
    for path in COMPILED.glob("*.html"):
        if path not in pages:
            path.unlink()
    for path, page in pages.items():
        path.write_text(page, encoding="utf-8")
    return sorted(pages)


def preview(folder: Path) -> Path:
    """Write a page with every message, in light, in dark and as text, for a reader that fits it, and with every other reader behind; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for message in messages():
        shown = _shown(message)
        others = [name for name in SAMPLES if name != shown]
        more = "".join(f"<li>{_files(folder, message, name)[0]}</li>" for name in others)
        parts.append(f"{_entry(folder, message, shown)}<details><summary>The same for other readers</summary><ul>{more}</ul></details></section>")
    page = folder / "index.html"
    page.write_text(_GALLERY.replace("<!-- messages -->", "\n".join(parts)), encoding="utf-8")
    return page


def pictures(folder: Path = PICTURES, browser: str = "chromium") -> list[Path]:
    """Make the pictures of docs/mail with a headless Chromium: each message in light, the welcome in dark and on a phone too."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [_picture(folder / f"{message}.png", message, browser) for message in messages()]
    made.append(_picture(folder / "welcome-dark.png", "welcome", browser, dark=True))
    made.append(_picture(folder / "welcome-phone.png", "welcome", browser, width=PHONE))
    return made


def _shown(message: str) -> str:
    return SHOWN.get(message, "without_card")


def _entry(folder: Path, message: str, sample: str) -> str:
    mail = render(message, SAMPLES[sample])
    links, light, dark = _files(folder, message, sample)
    return f"""<section id="{message}"><h2>{message}</h2>
<p><b>{html.escape(mail.subject)}</b><br>{html.escape(mail.preheader)}<br><small>{links}</small></p>
<div class="row"><iframe src="{light}" title="{message}, light"></iframe><iframe src="{dark}" title="{message}, dark"></iframe>
<pre>{html.escape(mail.text)}</pre></div>"""


def _files(folder: Path, message: str, sample: str) -> tuple[str, str, str]:
    """Write one message for one reader into three files; the links to them, and the names of the light and the dark one."""
    mail = render(message, SAMPLES[sample])
    stem = f"{message}.{sample}"
    for suffix, text in (("light.html", _as_light(mail)), ("dark.html", _as_dark(mail)), ("txt", mail.text)):
        (folder / f"{stem}.{suffix}").write_text(text, encoding="utf-8")
    light, dark = f"{stem}.light.html", f"{stem}.dark.html"
    return f'{sample}: <a href="{light}">light</a>, <a href="{dark}">dark</a>, <a href="{stem}.txt">text</a>', light, dark


def _as_light(mail: Mail) -> str:
    return _only(mail.html, "light").replace("(prefers-color-scheme: dark)", "not all")


def _as_dark(mail: Mail) -> str:
    return _only(mail.html, "dark").replace("(prefers-color-scheme: dark)", "all")


def _only(page: str, scheme: str) -> str:
    return page.replace('content="light dark"', f'content="{scheme}"').replace("color-scheme: light dark", f"color-scheme: {scheme}")


def _picture(path: Path, message: str, browser: str, width: int = DESKTOP, dark: bool = False, sample: str = "") -> Path:
    """A picture as tall as the message is. It stands in a frame, as a window of the browser cannot be as narrow as a phone."""
    window = max(width, 500)
    with tempfile.TemporaryDirectory() as room:
        page = Path(room) / "message.html"
        frame = Path(room) / "frame.html"
        page.write_text(render(message, SAMPLES[sample or _shown(message)]).html, encoding="utf-8")
        frame.write_text(_FRAME.format(width=width), encoding="utf-8")
        scheme = "--blink-settings=preferredColorScheme=" + ("0" if dark else "1")
        flags = [*_chromium(browser, Path(room)), scheme, "--force-device-scale-factor=1.5"]
        found = re.search(r'data-height="(\d+)"', _browse(*flags, f"--window-size={window},900", "--dump-dom", frame.as_uri()))
        if not found:
            raise RuntimeError(f"{browser} did not show {message}.")
        _browse(*flags, f"--window-size={window},{found[1]}", f"--screenshot={path.absolute()}", frame.as_uri())
    return path


def _browse(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603  # nosec B603 # the command is ours


def _chromium(browser: str, room: Path) -> Iterator[str]:
    yield shutil.which(browser) or browser
    yield from ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
    yield from ("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--allow-file-access-from-files")
    yield f"--user-data-dir={room / 'profile'}"


_FRAME = """<!doctype html><html><head><meta name="color-scheme" content="light dark"><style>
body {{ margin: 0; background: #8a938e; }} iframe {{ display: block; margin: 0 auto; border: 0; width: {width}px; height: 400px; }}
</style></head><body><iframe src="message.html" onload="
  const height = this.contentDocument.documentElement.scrollHeight;
  this.style.height = height + 'px';
  document.documentElement.dataset.height = height;
"></iframe></body></html>
"""

_GALLERY = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Messages</title><style>
body { margin: 2rem; font: 16px/1.5 -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; background: #fafaf8; color: #1d2421; }
section { margin-bottom: 3rem; } h2 { margin-bottom: 0; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; margin-bottom: 1rem; }
iframe, pre { box-sizing: border-box; flex: 1 1 340px; height: 860px; margin: 0; border: 1px solid #dde1dc; border-radius: 8px; background: #fff; }
pre { flex: 0 1 auto; padding: 1rem; overflow: auto; font-size: 12px; }
</style></head><body><h1>Messages</h1>
<!-- messages -->
</body></html>
"""


if __name__ == "__main__":
    for made in compile_all():
        print(made.relative_to(Path.cwd()) if made.is_relative_to(Path.cwd()) else made)
