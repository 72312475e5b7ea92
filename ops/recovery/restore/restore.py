"""Returns a stage to the state of a restored table, page by page. It can be resumed, and restores
each account once.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from chalicelib.aws.items import Item, account_of
from chalicelib.domain.account.pointers import tombstone_of_account
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, InvalidInput
from chalicelib.domain.schedule.restore import next_restored, restored
from chalicelib.usecases.ingestion.fetching import StripeFetcher, fetch_pending
from chalicelib.usecases.services import Services
from chalicelib.usecases.writing import retry_on_lost_race
from ops.recovery.restore.tables import UNREADABLE, Run, Tables, begun, taken


def restore(
    tables: Tables,
    services: Services,
    say: Callable[[str], None],
    rate: float = 8,
    at_once: int = 4,
) -> Run:
    """Restore every account of the restored table, `rate` of them a second at most, `at_once` at a
    time, with what lies beside them.

    An account becomes what it was, under a new epoch, as Stripe has it now; what Stripe does not
    answer now stays on its agenda. Of all else what the stage's table lacks is put there, and what
    it has stays. Who was erased in the stage's table stays erased. Raises InvalidInput while a
    restoration from another table is not done, NewerSchemaVersion, Unavailable: the same again goes
    on after the last page.
    """
    run = _run(tables, services)
    while not run.done:
        items, cursor = tables.page(run.cursor, services.clock.now())
        items = _not_erased(items, services)
        tables.put_missing([item for item in items if item["sk"]["S"] != "ACCOUNT" and taken(item)])
        accounts = [item for item in items if item["sk"]["S"] == "ACCOUNT"]
        left: list[str] = []
        for start in range(0, len(accounts), at_once):
            left += _restore_some(accounts[start : start + at_once], run, tables, services, rate)
        run = replace(
            run,
            cursor=cursor,
            done=cursor is None,
            accounts=run.accounts + len(accounts) - len(left),
            left=(*run.left, *left),
        )
        tables.save_run(run)
        say(f"{run.accounts:,} accounts restored")
    return run


def _run(tables: Tables, services: Services) -> Run:
    last: Run | None = tables.load_run()
    if last and last.source == tables.source:
        return last
    if last and not last.done:
        raise InvalidInput(
            f"A restoration from {last.source} is not done yet: finish that one first.", "from"
        )
    run = begun(tables.source, services.clock.now())
    tables.save_run(run)
    return run


def _not_erased(items: Sequence[Item], services: Services) -> list[Item]:
    graves = {tombstone_of_account(id): id for item in items if (id := _whose(item))}
    erased = (
        {graves[name] for name in services.stores.accounts.erased(graves.keys())}
        if graves
        else set()
    )
    return [item for item in items if _whose(item) not in erased]


def _whose(item: Item) -> str | None:
    kind, _, id = item["pk"]["S"].partition("#")
    return id if kind == "ACCOUNT" else None


def _restore_some(
    items: Sequence[Item], run: Run, tables: Tables, services: Services, rate: float
) -> list[str]:
    """Restore some accounts at the same time, not faster than the rate. Returns the ids of those
    that could not be restored, with the reason.
    """
    # Once Stripe is down it is down for all of these.
    began, fetcher = (
        services.clock.now(),
        StripeFetcher(services),
    )

    def one(item: Item) -> str | None:
        return _restore(item, run, tables, services, fetcher)

    if len(items) == 1:
        results = [one(items[0])]
    else:
        with ThreadPoolExecutor(len(items)) as several:
            results = list(several.map(one, items))
    services.clock.pause(
        max(0.0, len(items) / rate - (services.clock.now() - began).total_seconds())
    )
    return [why for why in results if why]


def _restore(
    item: Item, run: Run, tables: Tables, services: Services, fetcher: StripeFetcher
) -> str | None:
    id = str(_whose(item))
    try:
        was = account_of(item)
    except UNREADABLE as failure:
        return f"{id}: it cannot be read in the restored table ({type(failure).__name__})"
    try:
        _write_restored(was, run, tables, services, fetcher)
    except InvalidInput as failure:
        return f"{id}: {failure.message}"
    except AccountTaken:
        return f"{id}: its customer, its external id or its trial belongs to another account by now"
    return None


def _write_restored(
    was: Account, run: Run, tables: Tables, services: Services, fetcher: StripeFetcher
) -> None:
    def write() -> None:
        before, since = tables.pair(was)
        if run.started_at in (before.restored_at, since.restored_at):
            return  # by this run, before it was interrupted
        updated = fetch_pending(restored(before, since, run.started_at), [], fetcher)
        new = next_restored(before, since, updated, services.policy, services.clock.now())
        services.stores.accounts.rewrite(since, new)

    retry_on_lost_race(was.id, write, services)
