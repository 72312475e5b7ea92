"""Reads .chalice/resources.yaml: CloudFormation's YAML, and as much of its intrinsics as names and
ARNs need.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ACCOUNT, REGION = "000000000000", "us-east-1"
NO_VALUE = object()
VARIABLE = re.compile(r"\$\{([^!}][^}]*)\}")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """Safe YAML, in which `!Sub x` is `{"Fn::Sub": x}` and so on."""


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def load(path: Path) -> dict[str, Any]:
    """The template at `path`, with every short form spelt out."""
    content: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    return content


def resolve(value: Any, look_up: Callable[[str, str | None], Any]) -> Any:
    """`value` without intrinsics: `look_up(name, attribute)` answers every Ref (attribute None) and
    GetAtt.

    Raises ValueError for an intrinsic that is not known here; a property whose value is
    AWS::NoValue is left out.
    """
    if isinstance(value, list):
        return [
            inner for inner in (resolve(each, look_up) for each in value) if inner is not NO_VALUE
        ]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (key, content), *_ = value.items()
        if key == "Ref":
            return look_up(content, None)
        if key == "Fn::GetAtt":
            return look_up(content[0], content[1])
        if key == "Fn::Sub":
            text, names = (
                (content, {})
                if isinstance(content, str)
                else (content[0], resolve(content[1], look_up))
            )
            return VARIABLE.sub(
                lambda match: str(
                    names[match[1]] if match[1] in names else look_up(*_split(match[1]))
                ),
                text,
            )
        if key == "Fn::Join":
            return str(content[0]).join(str(part) for part in resolve(content[1], look_up))
        if key.startswith("Fn::"):
            raise ValueError(f"{key} is not understood by local/aws/template.py")
    resolved = {key: resolve(inner, look_up) for key, inner in value.items()}
    return {key: inner for key, inner in resolved.items() if inner is not NO_VALUE}


def pseudo_parameters(stack: str) -> dict[str, Any]:
    """What CloudFormation knows of itself, for a stack of this name."""
    return {
        "AWS::StackName": stack,
        "AWS::Region": REGION,
        "AWS::AccountId": ACCOUNT,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::NoValue": NO_VALUE,
    }


def _split(name: str) -> tuple[str, str | None]:
    resource, _, attribute = name.partition(".")
    return resource, attribute or None
