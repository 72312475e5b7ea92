"""What the dashboard shows of the queues and the dead letters."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.changes.dead_letters import CODES, ORIGINS, DeadLetter
from chalicelib.domain.schedule.watch.queue_state import QUEUES, QueueState


def queues_view(
    states: Sequence[QueueState], letters: Sequence[DeadLetter], now: datetime
) -> list[dict[str, Any]]:
    """Each queue. The age of the oldest dead letter is known from the letters."""
    ages = [now - letter.at for letter in letters]
    return [
        {
            "name": one.name.replace("_", " "),
            "means": QUEUES[one.name],
            "waiting": one.waiting,
            "in_flight": one.in_flight,
            "oldest": _oldest(one, max(ages, default=None)),
            "is_wrong": one.name == "dead_letters" and one.waiting + one.in_flight > 0,
        }
        for one in states
    ]


def letters_view(letters: Sequence[DeadLetter], now: datetime) -> list[dict[str, Any]]:
    """The dead letters by origin, in the order of ORIGINS, each the oldest first, without their
    payload.
    """
    groups = []
    for origin, means in ORIGINS.items():
        of_it = [letter for letter in letters if letter.origin == origin]
        if of_it:
            rows = [
                {"letter": one, "age": spoken_age(now - one.at), "means": CODES.get(one.code, "")}
                for one in of_it
            ]
            groups.append(
                {"origin": origin, "means": means, "rows": rows, "has_way": origin != "unknown"}
            )
    return groups


def replayed(query: Mapping[str, str]) -> dict[str, int] | None:
    """What a replay came to, by the numbers in the URL; None if there was none."""
    numbers = {name: int(text) for name, text in query.items() if _is_number(text)}
    return numbers if numbers.keys() == query.keys() else None


def spoken_age(length: timedelta) -> str:
    """A length of time in its greatest unit and the next one: "3 days 4 hours", "20 days"."""
    seconds = max(0, int(length.total_seconds()))
    numbers = []
    for size, name in ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        number, seconds = divmod(seconds, size)
        numbers.append((number, f"{number} {name}{'' if number == 1 else 's'}"))
    greatest = next((at for at, (number, _) in enumerate(numbers) if number), len(numbers) - 1)
    first, *rest = numbers[greatest : greatest + 2]
    return " ".join([first[1], *(words for number, words in rest if number)])


def _oldest(one: QueueState, of_letters: timedelta | None) -> str:
    if not one.waiting:
        return "–"
    age = of_letters if one.name == "dead_letters" else one.oldest
    return "Not counted here" if age is None else spoken_age(age)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7
