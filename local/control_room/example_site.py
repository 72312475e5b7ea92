"""The example site, served beside the system so that it can be tried: its form posts to the system
that runs.
"""

import mimetypes
from pathlib import Path

from local.http_server import Answer

FOLDER = Path(__file__).parents[2] / "examples" / "marketing"
THEIRS = "https://billing.example.com"


def site(path: str, base: str) -> Answer | None:
    """The file of that name, its form's address set to `base`; None if there is none."""
    name = path or "index.html"
    files = {file.name: file for file in FOLDER.iterdir() if file.is_file()}
    if name not in files:
        return None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Answer(
        200,
        files[name].read_text(encoding="utf-8").replace(THEIRS, base).encode(),
        [("Content-Type", f"{kind}; charset=utf-8")],
    )
