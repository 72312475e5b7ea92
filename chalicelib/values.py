"""Frozen values: dataclasses whose methods are made when they are first needed.

`dataclass(frozen=True, slots=True)` writes and compiles six methods for each class, half a
millisecond each. A function loads some two hundred classes when it starts and makes values of a few
dozen. These were forty percent of its start.
"""

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def frozen(cls: type[T]) -> type[T]:
    """The class as `dataclass(frozen=True, slots=True)` makes it, for all that looks at it or at
    its values: `fields`, `replace`, `asdict`, matching, inheritance and msgspec. Its `__init__` is
    made by the first call.
    """
    own = set(vars(cls))
    made: Any = dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    for name, method in (_METHODS | {"__init__": _first_init(made)}).items():
        if name not in own:
            setattr(made, name, method)
    found: type[T] = made
    return found


def _first_init(made: Any) -> Callable[..., None]:
    def init(self: Any, *args: Any, **named: Any) -> None:
        made.__init__ = _init_of(made)
        made.__init__(self, *args, **named)

    return init


def _init_of(made: Any) -> Any:
    """The `__init__` that `dataclass` makes for a frozen class with these fields: it is written and
    compiled, so that a value is made as fast as if it was there all along.
    """
    scope: dict[str, Any] = {"SET": object.__setattr__}
    parameters, lines = ["self"], []
    for number, one in enumerate(fields(made)):
        name, value, default = one.name, one.name, f"DEFAULT_{number}"
        if one.default is not MISSING:
            scope[default] = one.default
            parameters.append(f"{name}={default}")
        elif one.default_factory is not MISSING:
            scope[default] = one.default_factory
            parameters.append(f"{name}={default}")
            value = f"{default}() if {name} is {default} else {name}"
        else:
            parameters.append(name)
        lines.append(f"SET(self, {name!r}, {value})")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"])
    exec(text, scope)  # noqa: S102  # nosec B102 # it holds names of fields and nothing else
    return scope["__init__"]


if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: T, /, **changes: object) -> T:
        """As the standard library's, whose types the checker knows, in a quarter of the time:
        accounts have many fields, and each event replaces a dozen of times. Raises TypeError.
        """
        kind = type(value)
        read, places = _FIELDS[kind]
        values = list(read(value))
        for name, new in changes.items():
            place = places.get(name)
            if place is None:
                raise TypeError(f"{kind.__qualname__} has no field {name!r}")
            values[place] = new
        return kind(*values)


def _reader(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Reads attributes, all at once."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


class _Fields(dict[type, tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]]):
    """Type → what reads its fields, and their places; made when it is first asked for."""

    def __missing__(
        self, type: type[Any]
    ) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, int]]:
        names = [one.name for one in fields(type)]
        self[type] = _reader(names), {name: place for place, name in enumerate(names)}
        return self[type]


class _Compared(dict[type, Callable[[Any], tuple[Any, ...]]]):
    """Type → what reads its compared fields; made when it is first asked for."""

    def __missing__(self, type: type[Any]) -> Callable[[Any], tuple[Any, ...]]:
        self[type] = _reader([one.name for one in fields(type) if one.compare])
        return self[type]


_FIELDS = _Fields()
_COMPARED = _Compared()


def _eq(self: Any, other: object) -> Any:
    if type(other) is not type(self):
        return NotImplemented
    read = _COMPARED[type(self)]
    return read(self) == read(other)


def _hash(self: Any) -> int:
    return hash(_COMPARED[type(self)](self))


def _repr(self: Any) -> str:
    shown = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse_assignment(self: Any, name: str, value: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(self: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(fields(self), state, strict=True):
        object.__setattr__(self, one.name, value)


_METHODS: dict[str, Callable[..., Any]] = {
    "__eq__": _eq,
    "__hash__": _hash,
    "__repr__": _repr,
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_deletion,
    "__getstate__": _state,
    "__setstate__": _set_state,
}
