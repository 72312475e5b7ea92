"""What a deployment is made of: Chalice's package of this checkout, completed."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from chalicelib.domain.changes.channels import channels, check_types
from chalicelib.domain.errors import InvalidInput
from chalicelib.domain.policy.instance import bus_of, machine_of, refuse_local_instances
from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.domain.policy.people import refuse_local_people
from chalicelib.domain.policy.read import read_policy
from local.aws.template import load
from ops.package.archive import compile_all, keep_locales, pack
from ops.package.libraries import add_libraries
from ops.package.template import Template, complete
from ops.package.unused import leave_out
from ops.package.watching import watched

ROOT = Path(__file__).resolve().parents[2]
ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "AMD64": "x86_64"}


@dataclass(frozen=True, slots=True)
class Package:
    """`template` as CloudFormation takes it, once every CodeUri says where `archive` lies; `digest`
    is the SHA-256 of the archive.
    """

    template: Template
    archive: Path
    digest: str


def this_machine() -> str:
    """This machine's architecture, as Lambda calls it."""
    return ARCHITECTURES[platform.machine()]


def build(stage: str, out: Path, architecture: str | None = None) -> Package:
    """Package this checkout for a stage into the folder `out`, for the architecture of
    .chalice/config.json (arm64) unless another is named.

    The same checkout gives the same bytes. Raises InvalidInput, with what Chalice says, if it
    cannot be packaged; PolicyMistakes.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="billhook-package-") as place:
        checkout, made, code = Path(place, "checkout"), Path(place, "made"), Path(place, "code")
        copy_checkout(checkout, architecture)
        template = chalice_package(
            checkout, stage, made, "--merge-template", ".chalice/resources.yaml"
        )
        with zipfile.ZipFile(made / "deployment.zip") as package:
            package.extractall(code)
        config = json.loads((checkout / ".chalice" / "config.json").read_text())
        add_libraries(ROOT / "requirements.txt", config["lambda_architecture"], code)
        leave_out(code)
        keep_locales(code, LANGUAGES)
        compile_all(code)
        archive = out / "code.zip"
        pack(code, archive)
    permissions = yaml.safe_load((ROOT / ".chalice" / "permissions.yaml").read_text())
    policy = read_policy((ROOT / "chalicelib" / "billing.toml").read_text())
    refuse_local(policy.base_url)
    refuse_local_instances(policy.instance)
    refuse_local_people(policy.people)
    check_types(policy)
    sites = policy.signup.sites if policy.signup else ()
    senders = policy.mail.senders.values() if policy.mail else ()
    completed = watched(
        complete(
            template,
            permissions,
            sites,
            senders,
            bus_of(policy),
            machine_of(policy.instance),
            always_delivers=any(channels(policy)) or policy.instance is not None,
        )
    )
    (out / "template.json").write_text(json.dumps(completed, indent=1, sort_keys=True))
    return Package(completed, archive, hashlib.sha256(archive.read_bytes()).hexdigest())


def refuse_local(base_url: str) -> None:
    """Raises InvalidInput for an address of this machine: billing.toml may have one for the local
    system only.
    """
    if urlsplit(base_url).scheme != "https":
        raise InvalidInput(
            f"base_url of billing.toml is {base_url}: links in mails would lead nowhere. Give the"
            ' address of the stage, such as base_url = "https://billing.example.com".',
            "base_url",
        )


def copy_checkout(to: Path, architecture: str | None) -> None:
    """Copy what is deployed: a package must not hold what else lies in the working tree.

    Without requirements.txt, so that Chalice fetches nothing.
    """
    for name in ("chalicelib", ".chalice"):
        shutil.copytree(
            ROOT / name,
            to / name,
            ignore=shutil.ignore_patterns("__pycache__", "deployments", "deployed"),
        )
    shutil.copy(ROOT / "app.py", to)
    if architecture:
        config = to / ".chalice" / "config.json"
        config.write_text(
            json.dumps(json.loads(config.read_text()) | {"lambda_architecture": architecture})
        )


def chalice_package(checkout: Path, stage: str, out: Path, *options: str) -> Template:
    """Run `chalice package`, outside this process: it imports the copy's app.py and chalicelib.
    Raises InvalidInput.
    """
    done = subprocess.run(  # noqa: S603  # nosec B603 # Chalice, with arguments of our own
        [
            Path(sys.executable).with_name("chalice"),
            "package",
            "--stage",
            stage,
            *options,
            str(out),
        ],
        cwd=checkout,
        env=os.environ
        | {
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "eu-central-1"),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if not (out / "deployment.zip").is_file():
        raise InvalidInput(f"Chalice could not package this checkout:\n{done.stdout}{done.stderr}")
    # YAML where something was merged. It has aliases, which CloudFormation does not take: hence
    # JSON from here on.
    return load(next(file for name in ("sam.yaml", "sam.json") if (file := out / name).is_file()))
