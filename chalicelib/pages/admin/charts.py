"""Charts as values that a template draws: the geometry of bars and of a line."""

from collections.abc import Callable, Sequence

from chalicelib.values import frozen

WIDTH, HEIGHT = 720, 200
LEFT, BOTTOM, TOP = 8, 24, 34

LABELS = 6
"""How many days or weeks are named below a chart."""


@frozen
class Bar:
    """A bar: its place, and the text that says what it stands for."""

    x: float
    y: float
    width: float
    height: float
    text: str


@frozen
class Label:
    """A text below the chart."""

    x: float
    text: str


@frozen
class Chart:
    """A chart of one row of numbers: as bars, and as the points of a line. `most` says what the
    greatest stands for.
    """

    bars: tuple[Bar, ...]
    points: str
    labels: tuple[Label, ...]
    most: str = ""
    width: int = WIDTH
    height: int = HEIGHT
    floor: int = HEIGHT - BOTTOM
    top: int = TOP


def chart(values: Sequence[tuple[str, int, str]], said: Callable[[int], str] = str) -> Chart:
    """The chart of numbers that are not negative, each with its name and what to say of it. `said`
    is a number in words.
    """
    greatest = max((number for _, number, _ in values), default=0)
    most = greatest or 1
    room = (WIDTH - 2 * LEFT) / max(len(values), 1)
    floor = HEIGHT - BOTTOM
    bars = []
    for index, (_, number, text) in enumerate(values):
        high = round((floor - TOP) * number / most, 1)
        x = round(LEFT + index * room + room * 0.1, 1)
        bars.append(Bar(x, round(floor - high, 1), round(room * 0.8, 1), high, text))
    every = max(1, -(-len(values) // LABELS))
    labels = tuple(
        Label(bars[index].x, name) for index, (name, *_) in enumerate(values) if index % every == 0
    )
    points = " ".join(f"{round(bar.x + bar.width / 2, 1)},{bar.y}" for bar in bars)
    return Chart(tuple(bars), points, labels, said(greatest) if greatest else "")
