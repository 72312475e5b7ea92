"""What a deployment would be: the package that Chalice makes of a copy of this checkout, with and without .chalice/resources.yaml."""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local import template

ROOT = Path(__file__).resolve().parents[2]
STAGE = "prod"
SHIPPED_BY_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""What a function finds beside its own code: the AWS SDK and what that needs, and nothing else."""

Template = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """One package: `merged` is what would be deployed, `bare` what Chalice makes of the code alone, `own` is .chalice/resources.yaml."""

    folder: Path
    bare: Template
    merged: Template
    own: Template

    @cached_property
    def functions(self) -> dict[str, Template]:
        """The functions by logical id, their properties only."""
        return {id: it["Properties"] for id, it in self.merged["Resources"].items() if it["Type"] == "AWS::Serverless::Function"}

    def sources(self, kind: str) -> list[tuple[Template, Template]]:
        """Every function that events of this kind start, with the properties of the event source."""
        return [(fn, it["Properties"]) for fn in self.functions.values() for it in fn.get("Events", {}).values() if it["Type"] == kind]

    @property
    def template_file(self) -> Path:
        """The merged template as JSON: what Chalice writes as YAML has aliases, which CloudFormation does not take."""
        file = self.folder / "sam.json"
        file.write_text(json.dumps(self.merged, indent=2))
        return file

    def run(self, program: str) -> str:
        """Run Python as Lambda would have it: the package, then what the runtime ships, and no other library. Returns what it prints."""
        paths = [str(self.folder / "code"), str(self.folder / "runtime")]
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {paths}\n{program}"],
            env={"AWS_DEFAULT_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def build(folder: Path) -> Package:
    """Package a copy of this checkout below `folder`, for this machine's processor, so that what is in it can be loaded here."""
    copy = folder / "checkout"
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "deployments"))
    for name in ("app.py", "requirements.txt"):
        shutil.copy(ROOT / name, copy)
    config = copy / ".chalice" / "config.json"
    architecture = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"lambda_architecture": architecture}))

    chalice(copy, folder / "bare")
    chalice(copy, folder / "merged", "--merge-template", ".chalice/resources.yaml")
    with zipfile.ZipFile(folder / "merged" / "deployment.zip") as package:
        package.extractall(folder / "code")
    (folder / "runtime").mkdir()
    for name in SHIPPED_BY_LAMBDA:
        link_library(name, folder / "runtime")
    return Package(
        folder,
        bare=json.loads((folder / "bare" / "sam.json").read_text()),
        merged=template.load(folder / "merged" / "sam.yaml"),
        own=template.load(copy / ".chalice" / "resources.yaml"),
    )


def chalice(checkout: Path, out: Path, *options: str) -> None:
    """Run `chalice package`, outside this process: it imports the copy's app.py and chalicelib."""
    done = subprocess.run(
        [Path(sys.executable).with_name("chalice"), "package", "--stage", STAGE, *options, str(out)],
        cwd=checkout,
        env=os.environ | {"AWS_DEFAULT_REGION": "eu-central-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (out / "deployment.zip").is_file(), done.stdout + done.stderr


def link_library(name: str, folder: Path) -> None:
    """Link one installed library, module or package, into the folder."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(name)
    origin = Path(spec.origin)
    source = origin.parent if origin.name == "__init__.py" else origin
    (folder / source.name).symlink_to(source)
