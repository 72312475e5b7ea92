"""What a deployment would be: the package of this checkout, and what Chalice alone would make of
it.
"""

import fcntl
import importlib.util
import pickle
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from local.aws.template import load
from ops.package import build as package

ROOT = Path(__file__).resolve().parents[2]
STAGE = "prod"
SHIPPED_BY_LAMBDA = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3")
"""What a function finds beside its own code: the AWS SDK and what that needs, and nothing else."""

Template = dict[str, Any]


@dataclass(frozen=True)
class Package:
    """One package: `merged` is the template that would be deployed, `bare` what Chalice makes of
    the code alone, `own` is .chalice/resources.yaml.
    """

    folder: Path
    bare: Template
    merged: Template
    own: Template
    archive: Path

    @cached_property
    def functions(self) -> dict[str, Template]:
        """The functions by logical id, their properties only."""
        return {
            id: it["Properties"]
            for id, it in self.merged["Resources"].items()
            if it["Type"] == "AWS::Serverless::Function"
        }

    def sources(self, kind: str) -> list[tuple[Template, Template]]:
        """Every function that events of this kind start, with the properties of the
        event source."""
        return [
            (fn, it["Properties"])
            for fn in self.functions.values()
            for it in fn.get("Events", {}).values()
            if it["Type"] == kind
        ]

    @property
    def template_file(self) -> Path:
        """The template that is deployed."""
        return self.folder / "made" / "template.json"

    def run(self, program: str) -> str:
        """Run Python as Lambda would have it: the package, then what the runtime ships, and no
        other library. Returns what it prints.
        """
        paths = [str(self.folder / "code"), str(self.folder / "runtime")]
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {paths}\n{program}"],
            env={
                "AWS_DEFAULT_REGION": "eu-central-1",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def built_once(folder: Path) -> Package:
    """The package below `folder`, which all workers of one run share: the first that asks builds
    it, and the others wait for that.
    """
    kept = folder / "package.pickle"
    with (folder / "package.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            (folder / "package").mkdir()
            kept.write_bytes(pickle.dumps(build(folder / "package")))
        package: Package = pickle.loads(kept.read_bytes())
    return package


def build(folder: Path) -> Package:
    """Package this checkout below `folder`, for this machine's processor, so that what is in it can
    be loaded here.
    """
    made = package.build(STAGE, folder / "made", package.this_machine())
    copy = folder / "checkout"
    package.copy_checkout(copy, package.this_machine())
    with zipfile.ZipFile(made.archive) as archive:
        archive.extractall(folder / "code")
    (folder / "runtime").mkdir()
    for name in SHIPPED_BY_LAMBDA:
        link_library(name, folder / "runtime")
    return Package(
        folder,
        bare=package.chalice_package(copy, STAGE, folder / "bare"),
        merged=made.template,
        own=load(copy / ".chalice" / "resources.yaml"),
        archive=made.archive,
    )


def link_library(name: str, folder: Path) -> None:
    """Link one installed library, module or package, into the folder."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(name)
    origin = Path(spec.origin)
    source = origin.parent if origin.name == "__init__.py" else origin
    (folder / source.name).symlink_to(source)
