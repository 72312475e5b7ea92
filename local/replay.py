"""Plays a recorded history against the running system, well or badly, and shows what the account is
and which mail it got.
"""

import random
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from local.client import Client, Unreachable, unix_seconds
from local.recordings import Object, Recording

SHOWN = ("access", "reason", "plan", "until")


@dataclass(frozen=True, slots=True)
class Manner:
    """How to play: shuffled by a seed, a share of the events twice, a share never, and a pause
    before each.
    """

    shuffle: int | None = None
    double: float = 0.0
    drop: float = 0.0
    pace: float = 0.0


class Player:
    """One history played to one system, as a customer of its own that begins now."""

    def __init__(self, client: Client, recording: Recording, suffix: str | None = None) -> None:
        self.client = client
        state = client.state()
        self._secret: str = state["webhook_secret"]
        self._stripe_base: str = state["stripe_base"]
        self.recording = recording.renamed(suffix or secrets.token_hex(3)).moved_to(
            unix_seconds(state)
        )
        self.account_id = self.recording.account_id or ""

    def tell_stripe(self) -> bool:
        """Tell the history to the Stripe that the system asks; False if that is none which listens,
        or not on this machine.
        """
        if urlsplit(self._stripe_base).hostname not in ("127.0.0.1", "localhost"):
            return False
        try:
            status, _ = Client(self._stripe_base).post(
                "/_test/recordings", self.recording.to_json()
            )
        except Unreachable:
            return False
        return status == 200

    def deliver(self, event: Object) -> None:
        """Move the clock to the event unless it is later already, and deliver it as Stripe does.
        Raises RuntimeError if it is not taken.
        """
        state = self.client.state()
        if event["created"] > unix_seconds(state):
            state = self.client.move_clock(event["created"])
        status, body = self.client.send_event(event, self._secret, unix_seconds(state))
        if status != 200:
            raise RuntimeError(f"the webhook answered {status}: {body}")

    def compare(self, checkpoint: Object) -> list[str]:
        """Move on to a checkpoint and wait until all is at rest; what differs then from its
        subscriptions, a line each.
        """
        self.client.move_clock(checkpoint["at"])
        return differences(self.client.account(self.account_id), checkpoint)


def schedule(events: list[Object], manner: Manner) -> tuple[list[Object], list[Object]]:
    """The events in the order to play them, and those left out. The same seed gives the same,
    whatever the ids are.
    """
    chance = random.Random(manner.shuffle)
    kept = [event for event in events if chance.random() >= manner.drop]
    left_out = [event for event in events if event not in kept]
    if manner.shuffle is not None:
        chance.shuffle(kept)
    for event in [event for event in kept if chance.random() < manner.double]:
        kept.insert(chance.randint(kept.index(event) + 1, len(kept)), event)
    return kept, left_out


def differences(account: dict[str, Any] | None, checkpoint: Object) -> list[str]:
    """Where an account, as the API shows it, is not what Stripe held at a checkpoint. Of
    subscriptions to other products only the id is shown.
    """
    if account is None:
        return ["there is no such account"]
    held = {one["id"]: shown(one) for one in account["subscriptions"]}
    others = {one["id"] for one in account["others"]}
    found = []
    for truth in checkpoint["subscriptions"]:
        if truth["id"] in others:
            continue
        ours = held.pop(truth["id"], None)
        if ours is None:
            found.append(f"{truth['id']} is missing")
            continue
        found += [
            f"{truth['id']}: {name} is {ours.get(name)}, at Stripe {right}"
            for name, right in expected(truth).items()
            if ours.get(name) != right
        ]
    return found + [f"{one} is not at Stripe" for one in held]


def expected(subscription: Object) -> dict[str, Any]:
    """What the API must say of a subscription of Stripe's."""
    items = subscription["items"]["data"]
    period_end = max(item["current_period_end"] for item in items)
    cancels_at = subscription["cancel_at"] or (
        period_end if subscription["cancel_at_period_end"] else None
    )
    return {
        "status": subscription["status"],
        "customer": subscription["customer"],
        "items": [(item["price"]["id"], item["quantity"]) for item in items],
        "trial_end": _iso(subscription["trial_end"]),
        "period_end": _iso(period_end),
        "cancels_at": _iso(cancels_at),
        "ended_at": _iso(subscription["ended_at"]),
    }


def shown(subscription: dict[str, Any]) -> dict[str, Any]:
    """A subscription as the API shows it, in the form of `expected`."""
    return subscription | {
        "items": [(item["price"], item["quantity"]) for item in subscription["items"]]
    }


def play(
    client: Client, recording: Recording, manner: Manner, advance: timedelta | None = None
) -> int:
    """Play, print a line for each event and each mail, and a summary; then move the clock on by
    `advance`, and print the mails of that time.

    The exit code: 1 if the end of the history is wrong although nothing was left out.
    """
    player = Player(client, recording)
    print(f"{recording.name}: {recording.about}")
    print(
        f"account {player.account_id}, {len(recording.events)} events from"
        f" {_moment(player.recording.start)}"
    )
    if not player.tell_stripe():
        print(
            "the Stripe in use does not listen to recordings: what Billhook asks it will not be"
            " this history"
        )
    events, left_out = schedule(player.recording.events, manner)
    played: set[str] = set()
    last: dict[str, Any] = {}
    mails = _NewMails(player)
    for event in events:
        time.sleep(manner.pace)
        player.deliver(event)
        client.settle()
        now = client.access(player.account_id) or {}
        arrived = mails.lines()
        _show(line for at, line in arrived if at < event["created"])
        _show([_line(event, last, now, event["id"] in played)])
        _show(line for at, line in arrived if at >= event["created"])
        played.add(event["id"])
        last = now
    wrong = player.compare(player.recording.checkpoints[-1])
    _show(line for _, line in mails.lines())
    if advance:
        client.move_clock(unix_seconds(client.state()) + int(advance.total_seconds()))
        _show(line for _, line in mails.lines())
        _show(
            [_standing_line(unix_seconds(client.state()), client.access(player.account_id) or {})]
        )
    print(
        f"{len(events)} delivered, {len(events) - len(played)} of them again, {len(left_out)}"
        " left out"
    )
    for line in wrong:
        print(f"  differs: {line}")
    if not wrong:
        print("the account is what Stripe holds")
    elif left_out:
        print("events were left out: Billhook cannot know all before it asks Stripe")
    return 1 if wrong and not left_out else 0


class _NewMails:
    """The mails to the player's account that were not asked for yet."""

    def __init__(self, player: Player) -> None:
        self._player, self._after = player, 0

    def lines(self) -> list[tuple[float, str]]:
        """Each with the Unix second at which it went out."""
        mails = self._player.client.mail(self._player.account_id, self._after)
        self._after = max((mail["number"] for mail in mails), default=self._after)
        moments = [datetime.fromisoformat(mail["at"]).timestamp() for mail in mails]
        return [
            (at, f"{_moment(int(at))}  mail {mail['step']}: {mail['subject']}")
            for at, mail in zip(moments, mails, strict=True)
        ]


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        print(line, flush=True)


def _line(event: Object, last: dict[str, Any], now: dict[str, Any], is_again: bool) -> str:
    changed = [name for name in SHOWN if now.get(name) != last.get(name)]
    what = event["type"] + (" (again)" if is_again else "")
    marks = ("  * " + ", ".join(changed)) if changed else ""
    return (
        f"{_moment(event['created'])} "
        f" {what:<44}{_short(event['data']['object']['id']):<36}{_standing(now)}{marks}".rstrip()
    )


def _standing_line(at: int, now: dict[str, Any]) -> str:
    return f"{_moment(at)}  {'the clock was moved on':<80}{_standing(now)}".rstrip()


def _standing(now: dict[str, Any]) -> str:
    if not now:
        return "no account yet"
    until = f"until {now['until'][:16].replace('T', ' ')}" if now.get("until") else ""
    return f"{now['access']:<8}{now['reason']:<20}{now.get('plan') or '-':<8}{until:<24}"


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _iso(seconds: int | None) -> str | None:
    return (
        datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z") if seconds else None
    )


def _short(id_: str) -> str:
    return id_ if len(id_) <= 34 else id_[:20] + "…" + id_[-13:]
