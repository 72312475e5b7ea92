"""How many entries one call of PutEvents takes."""

import json

from chalicelib.domain.outgoing.bus import MOST_BYTES, batches, entry, entry_size


def of(size: int) -> tuple[int, dict[str, str]]:
    filling = "é" * (size // 2)
    told = {"type": "trial.started", "timestamp": "2026-11-27T14:52:03Z", "filling": filling}
    return size, entry(json.dumps(told, ensure_ascii=False), "billing")


def test_a_call_has_ten_entries_at_most() -> None:
    assert [len(batch) for batch in batches([of(100)] * 23)] == [10, 10, 3]
    assert list(batches([])) == []


def test_a_call_has_less_than_256_kb() -> None:
    made = list(batches([of(60_000)] * 9))
    assert [len(batch) for batch in made] == [4, 4, 1]
    for batch in made:
        assert sum(entry_size(one) for _, one in batch) < MOST_BYTES


def test_an_entry_counts_its_bytes_and_its_time() -> None:
    _, one = of(0)
    assert entry_size(one) == 14 + len("billhook") + len("trial.started") + len(one["Detail"])
    assert entry_size(of(100)[1]) == entry_size(one) + 100
