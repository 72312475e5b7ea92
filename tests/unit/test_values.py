"""Frozen values behave as the standard library's frozen dataclasses do."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import (
    FrozenInstanceError,
    asdict,
    dataclass,
    field,
    fields,
    is_dataclass,
    replace,
)
from typing import Any, Generic, TypeVar

import msgspec
import pytest

from chalicelib import values
from chalicelib.values import frozen

T = TypeVar("T")


@frozen
class Point:
    """A value with every kind of field."""

    x: int
    y: int = 2
    names: Mapping[str, int] = field(default_factory=dict)
    secret: str = field(default="s", repr=False)
    note: str = field(default="", compare=False)

    @property
    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Standard:
    """The same as the standard library makes it."""

    x: int
    y: int = 2
    names: Mapping[str, int] = field(default_factory=dict)
    secret: str = field(default="s", repr=False)
    note: str = field(default="", compare=False)


@frozen
class Box(Generic[T]):
    """A generic value."""

    inner: T


@frozen
class Labelled(Box[int]):
    """A value that inherits."""

    label: str = "a"


@frozen
class Checked:
    """A value that refuses some."""

    number: int

    def __post_init__(self) -> None:
        if self.number < 0:
            raise ValueError("negative")


@frozen
class Nothing:
    """A value without fields."""


def test_it_is_made_as_a_dataclass_is() -> None:
    for arguments, named in (((1,), {}), ((1, 3), {"note": "n"}), ((), {"x": 1, "secret": "t"})):
        ours, theirs = Point(*arguments, **named), Standard(*arguments, **named)
        assert asdict(ours) == asdict(theirs)
        assert repr(ours) == repr(theirs).replace("Standard", "Point")
    for wrong in ({}, {"z": 1}, {"x": 1, "z": 1}):
        with pytest.raises(TypeError):
            Point(**wrong)
    assert Point(1).names is not Point(1).names


def test_it_is_equal_by_its_compared_fields_and_of_its_class_alone() -> None:
    assert Point(1, note="a") == Point(1, note="b") != Point(2)
    assert Point(1) != Standard(1)
    assert Labelled(1) != Box(1)
    assert Nothing() == Nothing()
    assert len({Box(1), Box(1), Box(2), Box((1,)), Nothing()}) == 4
    with pytest.raises(TypeError):
        hash(Point(1))


def test_a_value_is_replaced_as_the_standard_library_does_it() -> None:
    one = Point(1, names={"a": 1}, note="n")
    assert values.replace(one, x=4, secret="t") == replace(one, x=4, secret="t")
    assert values.replace(one).note == "n"
    assert values.replace(Box(1), inner=2) == Box(2)
    assert values.replace(Nothing()) == Nothing()
    assert values.replace(Standard(1), y=5) == Standard(1, 5)
    with pytest.raises(ValueError, match="negative"):
        values.replace(Checked(1), number=-1)
    with pytest.raises(TypeError, match="Point has no field 'z'"):
        values.replace(one, **{"z": 1})


def test_it_cannot_be_changed_and_has_no_other_attributes() -> None:
    one: Any = Point(1)
    for name in ("x", "other"):
        with pytest.raises(FrozenInstanceError):
            setattr(one, name, 5)
    with pytest.raises(FrozenInstanceError):
        del one.x
    assert not hasattr(one, "__dict__")


def test_dataclasses_matching_copies_and_msgspec_take_it_for_one() -> None:
    one = Point(1, names={"a": 1})
    assert is_dataclass(one)
    assert replace(one, x=4) == Point(4, names={"a": 1})
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one
    match one:
        case Point(x, y):
            assert (x, y, one.total) == (1, 2, 3)
    encoded = msgspec.json.encode(one)
    assert msgspec.json.decode(encoded, type=Point) == one
    assert msgspec.json.decode(b'{"x": 1}', type=Point) == Point(1)
    assert msgspec.json.decode(b'{"inner": 1}', type=Labelled) == Labelled(1, "a")
    assert [one.name for one in fields(Labelled)] == ["inner", "label"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"number": -1}', type=Checked)
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)
