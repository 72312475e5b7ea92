"""What an operator does: where it ends half way, the same command again finishes it."""

import json
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalicelib.stripe_api.reader import StripeReader
from chalicelib.usecases.accounts.erase import erase
from chalicelib.usecases.ingestion.ingest import Message, ingest
from chalicelib.usecases.operators.dead_letters.handling import discard, looking, redrive
from ops.export.export import STATE, export
from ops.import_customers.import_run import run_import
from ops.recovery.replay.stripe_events import kept_events, replay, wanted_types
from ops.recovery.restore.restore import restore
from tests.fakes.faults import OutsideCalls
from tests.fakes.lifecycles import START, Life
from tests.fakes.services import FakeServices, updated
from tests.fakes.simulated_lifecycles import BEGIN, SimLife, SimTransport
from tests.system.reliability.clock import until_later
from tests.system.reliability.customers import at_stripe
from tests.system.reliability.run import UseCase
from tests.tooling.ops.recovery.restore.test_restored_lifecycles import MemoryTables
from tests.tooling.ops.recovery.test_dead_letters import (
    RECORDING,
    MemoryDeadLetters,
    lived_with_dead_letters,
)
from tests.tooling.ops.recovery.test_replay import ALL, bought
from tests.tooling.ops.test_import import Shop, without_versions
from tests.unit.usecases.accounts.test_erase import MemoryBeside, subscriber

AGAIN = "the operator reads what failed and runs the same command again"


@dataclass(frozen=True)
class Hands:
    """What a command acts on beside the world."""

    box: Any = None
    queue: Any = None
    beside: Any = None
    tables: Any = None
    table: Any = None
    stripe: Any = None


def erase_all(life: SimLife, calls: OutsideCalls) -> None:
    services = calls.watch(life.place.services, "accounts", "stripe")
    beside = calls.watch_parts(Hands(beside=MemoryBeside(life.place)), "beside").beside
    erase(life.account_id, True, services, beside)


def end_of_erasure(life: SimLife) -> Any:
    return (
        at_stripe(life),
        set(life.place.accounts.items),
        set(life.place.accounts.owners.values()),
        len(life.place.timeline.entries),
    )


@dataclass
class Letters:
    """A life with dead letters that can be read by now, and the queue to which they go back."""

    place: FakeServices
    box: MemoryDeadLetters
    sent: list[str] = field(default_factory=list)

    def append(self, body: str) -> None:
        self.sent.append(body)


def with_dead_letters() -> Letters:
    return Letters(
        *lived_with_dead_letters(range(len(RECORDING.events) - 3, len(RECORDING.events)))
    )


def redrive_all(letters: Letters, calls: OutsideCalls) -> None:
    hands = calls.watch_parts(Hands(box=letters.box, queue=letters), "box", "queue")
    with looking(hands.box, 1000) as found:
        list(redrive(found, hands.box, {"events": lambda letter: hands.queue.append(letter.body)}))


def discard_all(letters: Letters, calls: OutsideCalls) -> None:
    box = calls.watch_parts(Hands(box=letters.box), "box").box
    with looking(box, 1000) as found:
        list(discard(found, box))


def end_of_letters(letters: Letters) -> Any:
    """What is left, and what the account is once the worker has taken in what was sent."""
    for number, body in enumerate(dict.fromkeys(letters.sent)):
        ingest([Message(str(number), body)], letters.place.services)
    told = sorted(
        entry.id for entry in letters.place.timeline.entries.values() if entry.kind == "stripe"
    )
    return len(letters.box.inside), set(letters.sent), updated(letters.place.accounts.only()), told


@dataclass
class Replayed:
    life: SimLife
    sent: list[str] = field(default_factory=list)

    def append(self, body: str) -> None:
        self.sent.append(body)


def replay_all(replayed: Replayed, calls: OutsideCalls) -> None:
    transport = SimTransport(replayed.life.stage)
    hands = calls.watch_parts(Hands(queue=replayed, stripe=transport), "queue", "stripe")
    events = kept_events(hands.stripe, wanted_types(()), BEGIN)
    list(
        replay(
            events,
            ALL,
            StripeReader(transport),
            replayed.life.place.now,
            hands.queue.append,
            Counter(),
        )
    )


def end_of_replay(replayed: Replayed) -> Any:
    return len(replayed.sent) > 5, len(set(replayed.sent))


def old_customers() -> Shop:
    shop = Shop()
    shop.buys("ada", account_id="acc_ada")
    shop.buys("bob", account_id="acc_bob")
    return shop.later(3)


def import_all(shop: Shop, calls: OutsideCalls) -> None:
    list(
        run_import(
            shop.survey().candidates,
            calls.watch(shop.place.services, "accounts", "stripe", "timeline"),
        )
    )


def end_of_import(shop: Shop) -> Any:
    known = without_versions(shop.accounts)
    return {
        id: (len(facts["subscriptions"]), len(facts["invoices"]), standing, asks)
        for id, (facts, standing, _, asks) in known.items()
    }


def wrecked() -> MemoryTables:
    """A stage that was emptied, and the table that AWS restored."""
    life = Life().begins()
    tables = MemoryTables(life.place, dict(life.place.accounts.items))
    life.place.accounts.items.clear()
    life.now.at = START + timedelta(days=1)
    return tables


def restore_all(tables: MemoryTables, calls: OutsideCalls) -> None:
    watched = calls.watch_parts(Hands(tables=tables), "tables").tables
    watched.__dict__["source"] = tables.source
    restore(
        watched,
        calls.watch(tables.place.services, "accounts", "stripe"),
        lambda line: None,
        at_once=1,
    )


def restore_again(tables: MemoryTables, calls: OutsideCalls) -> None:
    """What Stripe did not answer is asked by the stage itself."""
    restore_all(tables, calls)
    until_later(tables.place, calls.watch(tables.place.services, "accounts", "stripe"))


def end_of_restoration(tables: MemoryTables) -> Any:
    account = tables.place.accounts.load("acc_1")
    return account and (
        account.epoch,
        updated(account),
        account.asks,
    ), tables.run and tables.run.done


class Table:
    """A table of a few items, read two at a time, and the folder into which it is exported."""

    def __init__(self) -> None:
        life = Life().begins()
        self.items = [
            life.place.accounts.items["acc_1"],
            *({"pk": {"S": f"NEW#{number}"}, "sk": {"S": "NEW"}} for number in range(4)),
        ]
        self.folder = Path(tempfile.mkdtemp(prefix="billhook-export-"))

    def describe_table(self, TableName: str) -> Any:
        return {"Table": {"ItemCount": len(self.items)}}

    def scan(
        self, TableName: str, Limit: int, ConsistentRead: bool, ExclusiveStartKey: Any = None
    ) -> Any:
        begin = int(ExclusiveStartKey["n"]["N"]) if ExclusiveStartKey else 0
        last = (
            {"LastEvaluatedKey": {"n": {"N": str(begin + 2)}}}
            if begin + 2 < len(self.items)
            else {}
        )
        return {"Items": self.items[begin : begin + 2], **last}

    def __del__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def export_all(table: Table, calls: OutsideCalls) -> None:
    if (table.folder / STATE).exists() and json.loads((table.folder / STATE).read_text())["ended"]:
        return  # it has come to its end: another one would want a new folder
    export(
        "billing",
        table.folder,
        calls.watch_parts(Hands(table=table), "table").table,
        lambda line: None,
        lambda: START,
    )


def end_of_export(table: Table) -> Any:
    return {path.name: path.read_text() for path in sorted(table.folder.iterdir())}


USE_CASES = (
    UseCase(
        "Erase an account, at Stripe too",
        AGAIN,
        subscriber,
        erase_all,
        erase_all,
        end_of_erasure,
        clock=lambda life: life.place.now,
        stripe_faults=lambda life: life.stage.api.faults,
    ),
    UseCase(
        "Redrive dead letters", AGAIN, with_dead_letters, redrive_all, redrive_all, end_of_letters
    ),
    UseCase(
        "Discard dead letters", AGAIN, with_dead_letters, discard_all, discard_all, end_of_letters
    ),
    UseCase(
        "Replay events from Stripe",
        AGAIN,
        lambda: Replayed(bought("ada")),
        replay_all,
        replay_all,
        end_of_replay,
        stripe_faults=lambda replayed: replayed.life.stage.api.faults,
    ),
    UseCase(
        "Import Stripe's customers",
        AGAIN,
        old_customers,
        import_all,
        import_all,
        end_of_import,
        stripe_faults=lambda shop: shop.stage.api.faults,
    ),
    UseCase(
        "Restore a stage",
        f"{AGAIN}; the schedule fetches what Stripe did not answer",
        wrecked,
        restore_all,
        restore_again,
        end_of_restoration,
    ),
    UseCase("Export all data", AGAIN, Table, export_all, export_all, end_of_export),
)
