"""The example site, served to try the system: its form posts to the running system, and it links
to the control room.
"""

import mimetypes
from pathlib import Path

from local.http_server import Answer

FOLDER = Path(__file__).parents[2] / "examples" / "marketing"
THEIRS = "https://billing.example.com"
WAY_BACK = (
    '<nav style="position: absolute; top: 0; left: 0; padding: .75rem 1.25rem; font-size: .875rem">'
    '<a id="home" href="/_local" style="color: inherit">Control room</a></nav>'
)


def site(path: str, base: str) -> Answer | None:
    """The file of that name, with the address of its form set to `base`; None if there is none."""
    name = path or "index.html"
    files = {file.name: file for file in FOLDER.iterdir() if file.is_file()}
    if name not in files:
        return None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    content = files[name].read_text(encoding="utf-8").replace(THEIRS, base)
    return Answer(
        200,
        content.replace("<body>", f"<body>\n{WAY_BACK}", 1).encode(),
        [("Content-Type", f"{kind}; charset=utf-8")],
    )
