"""The project's own Python files, each parsed once, for the tests that judge the code's layout."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("chalicelib", "local", "ops", "bench", "tests")


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `path` is relative to the root, `module` is its dotted name, a package's without
    `__init__`.
    """

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def imports(self) -> set[str]:
        """Dotted names that it imports anywhere: at its top, below TYPE_CHECKING, in functions.
        `from a import b` counts as `a` and as `a.b`, which may be a module or a name in one.
        """
        found = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        return found

    @property
    def classes(self) -> set[str]:
        """The names of all classes that it defines."""
        return {node.name for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef)}


def paths(*folders: str) -> list[str]:
    """Every Python file below these folders, and app.py, in order."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in [*found, ROOT / "app.py"])


@cache
def source(path: str) -> Source:
    """The file at this path."""
    parts = Path(path).with_suffix("").parts
    text = (ROOT / path).read_text(encoding="utf-8")
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Source(path, module, text, ast.parse(text))
