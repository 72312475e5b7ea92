"""The run: each use case, each of its outside calls, each fault, and what was found: nothing is
written down that was not seen to happen.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalicelib.domain.errors import Refused, Unavailable
from local.stripe_sim.api.api import Fault as StripeFault
from tests.fakes.faults import Crash, OutsideCalls
from tests.fakes.services import Moment
from tests.system.reliability.faulty import FAULTS, LASTING, FaultyCalls, Way, ways

SAME, WAITS = "same", "waits"
NEVER = "–"

FOUND = {
    SAME: "The same run ends as it does without the fault.",
    WAITS: ("The next run finishes the work; then everything is as it is without the fault."),
    NEVER: "This call cannot meet this fault.",
}
"""What a cell can say, the best first. A use case may promise less, under a name of its own."""


@dataclass(frozen=True)
class Less:
    """What a use case promises instead, where the end cannot be the same: its name on the page,
    why, and how it is told.
    """

    name: str
    why: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class UseCase:
    """`begin` gives the world before it; `run` is one run of it as its entry point does it, and
    `again` the next run, with those outside calls; `end` reads what it comes to, without the times
    of our own writes. `next_run` says in words what the next run is, and why it comes.
    """

    name: str
    next_run: str
    begin: Callable[[], Any]
    run: Callable[[Any, OutsideCalls], None]
    again: Callable[[Any, OutsideCalls], None]
    end: Callable[[Any], Any]
    less: tuple[Less, ...] = ()
    clock: Callable[[Any], Moment] | None = None
    stripe_faults: Callable[[Any], list[StripeFault]] | None = None
    close: Callable[[Any], None] = lambda story: None


@dataclass(frozen=True)
class Found:
    """What was found of one use case: by outside call, in their order, and fault."""

    use_case: str
    next_run: str
    cells: Mapping[str, Mapping[str, str]]
    less: tuple[Less, ...] = ()
    runs: int = 0


class Broken(AssertionError):
    """A fault after which a use case neither ends the same nor is finished by its next run."""


@dataclass
class Runs:
    """The runs of one use case: first the `whole` without a fault, then one for each."""

    use_case: UseCase
    number: int = 0
    ends: list[Any] = field(default_factory=list)

    @contextmanager
    def beginning(self) -> Iterator[Any]:
        """A new world before the use case."""
        self.number += 1
        story = self.use_case.begin()
        try:
            yield story
        finally:
            self.use_case.close(story)

    def whole(self, story: Any, calls: OutsideCalls) -> None:
        """One run without a fault: where it ends, and where the next run leaves it, is what all
        others are held against.
        """
        self.use_case.run(story, calls)
        at_once = self.use_case.end(story)
        self.use_case.again(story, OutsideCalls())
        self.ends = [at_once, self.use_case.end(story)]

    def outcome(self, name: str, nth: int, fault: str, way: Way) -> str | None:
        """What comes of the fault at the n-th call of that name; None if it cannot be met in this
        way.
        """
        use_case = self.use_case
        with self.beginning() as story:
            calls = FaultyCalls(
                name=name,
                nth=nth,
                way=way,
                clock=use_case.clock(story) if use_case.clock else None,
                stripe_faults=use_case.stripe_faults(story) if use_case.stripe_faults else None,
            )
            return self.played(
                f"{fault} at {name} ({nth})",
                story,
                calls,
                lambda: calls.fired,
                calls.lift,
                fault == LASTING,
            )

    def played(
        self,
        fault: str,
        story: Any,
        calls: OutsideCalls,
        fired: Callable[[], bool],
        lift: Callable[[], None],
        lasts: bool,
    ) -> str | None:
        """What comes of a fault that is armed; None if it was not met. `lift` ends it; what `lasts`
        goes on in the next run, after which comes one more."""
        use_case, what = self.use_case, f"{self.use_case.name}: {fault}"
        self._survived(lambda: use_case.run(story, calls), what)
        if not fired():
            lift()
            return None
        at_once = use_case.end(story)
        if lasts:
            self._survived(lambda: use_case.again(story, calls), what)
        lift()
        self._finished(lambda: use_case.again(story, calls), what)
        return self._judged(what, at_once, use_case.end(story))

    def _judged(self, what: str, at_once: Any, in_the_end: Any) -> str:
        if in_the_end == self.ends[1]:
            return SAME if at_once == self.ends[0] else WAITS
        for less in self.use_case.less:
            if less.holds(in_the_end):
                return less.name
        raise Broken(
            f"{what}: it ends\n{_told(in_the_end, self.ends[1])}\nand without the"
            f" fault\n{_told(self.ends[1], in_the_end)}"
        )

    def _survived(self, step: Callable[[], None], what: str) -> None:
        try:
            step()
        except (Unavailable, Refused, Crash):
            return
        except Exception as error:
            raise Broken(f"{what}: it is not told as what it is, but as {error!r}") from error

    def _finished(self, step: Callable[[], None], what: str) -> None:
        try:
            step()
        except (Exception, Crash) as error:
            raise Broken(f"{what}: the next run fails with {error!r}") from error


Chosen = Callable[[str, str], bool]
"""Whether a cell is looked at, by the name of its call and its fault."""


def everything(call: str, fault: str) -> bool:
    """All cells are."""
    return True


def examined(use_case: UseCase, chosen: Chosen = everything) -> Found:
    """Run it with each chosen fault at each of its calls: a process may end at every one of them;
    what else can go wrong does so at the first and at the last of each name. Raises Broken.
    """
    runs, counted = Runs(use_case), OutsideCalls()
    with runs.beginning() as story:
        runs.whole(story, counted)
    made = counted.made
    cells: dict[str, dict[str, str]] = {}
    for name in dict.fromkeys(made):
        last = made.count(name)
        cells[name] = {}
        for fault in [fault for fault in FAULTS if chosen(name, fault)]:
            places = range(1, last + 1) if fault.startswith("ends") else sorted({1, last})
            outcomes = [
                runs.outcome(name, nth, fault, way)
                for nth in places
                for way in ways(fault, name, simulated=use_case.stripe_faults is not None)
            ]
            cells[name][fault] = all_of([one for one in outcomes if one])
    return Found(use_case.name, use_case.next_run, cells, use_case.less, runs.number)


def all_of(outcomes: list[str]) -> str:
    """Every outcome that there was, the best first."""
    order = list(FOUND)
    return (
        ", ".join(
            sorted(set(outcomes), key=lambda one: order.index(one) if one in order else len(order))
        )
        or NEVER
    )


def _told(one: Any, other: Any) -> str:
    """The parts of an end in which it is not the other."""
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return "\n".join(
            f"  {number}: {part!r}"
            for number, (part, its) in enumerate(zip(one, other, strict=True))
            if part != its
        )
    return f"  {one!r}"
