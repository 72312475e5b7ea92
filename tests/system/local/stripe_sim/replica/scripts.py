"""Random scripts of what a customer and an owner may do. Each is made by playing it to the
simulated Stripe, so that a step fits what is there; then it can be played to any other.

Left out is where the replica does not do what Stripe documents:

- it tells of an update that changes nothing;
- it renews a trial that was to be canceled at its end;
- it credits what an item costs, without coupons and earlier prorations, where Stripe credits what
  was debited for it;
- it leaves pending prorations of a subscription that ends where they are, and plans more tries of
  its open invoices;
- it tells of metadata that is changed after the end;
- it keeps a coupon for one time until the invoice that it is on is paid;
- it ends a subscription with the tries of its newest invoice only;
- it leaves a subscription past due whose late invoice is void;
- its clock knows no `cancel_at`, no bank that asks about a renewal, no end of a pause, no sent
  invoice;
- it prorates while on trial, charges while collecting is paused, and does not begin a new period
  for another interval or anchor;
- it takes payments by hand without a card, and none of what is uncollectible; one that is declined
  moves the next try, one that is paid counts as a try.

Not compared is what it does not send: news of a trial's end, of a payment that failed because the
bank asks, and updates of subscriptions that happen by themselves, whose result is compared.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.system.local.stripe_sim.replica.ours import Ours
from tests.system.local.stripe_sim.replica.player import Object, Player, Step

PAYS, DECLINES, ASKS = "4242424242424242", "4000000000000341", "4000000000003220"
SUBSCRIPTION, INVOICE = "/v1/subscriptions/{subscription}", "/v1/invoices/{invoice}"


def script(seed: int) -> list[Step]:
    """The script of a seed."""
    return list(_Author(seed).steps())


class _Author:
    def __init__(self, seed: int) -> None:
        self._chance, self._ours = random.Random(seed), Ours()
        self._player = Player(self._ours)
        self._card, self._has_coupon, self._changed_in = "", False, 0

    def steps(self) -> Iterator[Step]:
        for step in self._beginning():
            yield self._played(step)
        for _ in range(self._chance.randint(2, 6)):
            if self._open_invoices() > 1:
                return
            wanted = self._chance.choice(self._possible())()
            for step in wanted:
                yield self._played(step)
            yield self._played({"days": self._chance.choice([0.5, 1, 3, 7, 10, 17, 31, 40])})

    def _played(self, step: Step) -> Step:
        self._player.step(step)
        return step

    def _beginning(self) -> Iterator[Step]:
        yield _post("/v1/customers", {"email": "ada@example.com"}, "customer")
        first = self._chance.choice([PAYS] * 6 + [DECLINES, ASKS, ""])
        if first:
            yield from self._gives(first)
        wanted: Object = {
            "customer": "{customer}",
            "items": [{"price": "{price:pro_monthly}", "quantity": self._chance.randint(1, 3)}],
        }
        if self._chance.random() < 0.4 and first != ASKS:
            behavior = self._chance.choice(["pause", "cancel"])
            wanted["trial_period_days"] = self._chance.choice([3, 7, 14])
            wanted["trial_settings"] = {"end_behavior": {"missing_payment_method": behavior}}
        elif self._chance.random() < 0.15:
            wanted["cancel_at_period_end"] = True
        if self._chance.random() < 0.2:
            yield _post("/v1/coupons", self._coupon("trial_period_days" in wanted), "coupon")
            wanted["discounts"], self._has_coupon = [{"coupon": "{coupon}"}], True
        elif self._card == PAYS and self._chance.random() < 0.2:
            item = {"customer": "{customer}", "amount": 1500, "currency": "usd"}
            yield _post("/v1/invoiceitems", item)
        yield _post("/v1/subscriptions", wanted, "subscription")
        yield {"days": self._chance.choice([0.5, 1, 5, 10, 20])}

    def _coupon(self, on_trial: bool) -> Object:
        how = self._chance.choice(["once", "forever", "repeating"][on_trial:])
        months = {"duration_in_months": 2} if how == "repeating" else {}
        return {"percent_off": self._chance.choice([10, 50]), "duration": how} | months

    def _gives(self, number: str) -> Iterator[Step]:
        self._card = number
        card = {"number": number, "exp_month": 12, "exp_year": 2034}
        yield _post("/v1/payment_methods", {"type": "card", "card": card}, "method")
        yield _post("/v1/payment_methods/{method}/attach", {"customer": "{customer}"})
        settings = {"invoice_settings": {"default_payment_method": "{method}"}}
        yield _post("/v1/customers/{customer}", settings)

    def _state(self) -> tuple[str, bool, str]:
        """The subscription's status, whether collecting is paused, the newest invoice's status."""
        known = self._player.known
        if "subscription" not in known:
            return "", False, ""
        one = self._subscription()
        found = self._ours.call("GET", "/v1/invoices", {"customer": known["customer"]})[1]["data"]
        return one["status"], bool(one["pause_collection"]), found[0]["status"] if found else ""

    def _subscription(self) -> Object:
        id = self._player.known["subscription"]
        return dict(self._ours.call("GET", f"/v1/subscriptions/{id}", {})[1])

    def _period(self) -> int:
        return int(self._subscription()["items"]["data"][0]["current_period_start"])

    def _count(self, path: str, **narrowed: Any) -> int:
        wanted = {"customer": self._player.known["customer"], **narrowed}
        return len(self._ours.call("GET", path, wanted)[1]["data"])

    def _open_invoices(self) -> int:
        return self._count("/v1/invoices", status="open")

    def _possible(self) -> list[Callable[[], Iterator[Step]]]:
        status, paused, invoice = self._state()
        word = f"word {self._ours.keys_used()}"
        leaves = "subscription" in self._player.known and self._subscription()["cancel_at"]
        number = self._chance.choice([PAYS, PAYS, PAYS if leaves else DECLINES])
        found: list[Callable[[], Iterator[Step]]] = [
            lambda: self._gives(number),
            lambda: _one(_post(SUBSCRIPTION, {"description": word})),
            self._one_off,
        ]
        if status not in ("canceled", "incomplete_expired"):
            found += [lambda: _one(_post(SUBSCRIPTION, {"metadata": {"a": word}}))]
        if status in ("canceled", "incomplete_expired", "active"):
            found += [lambda: _one(_post(f"{SUBSCRIPTION}/resume", {}))]
        return [*found, *self._ways_to_end(status), *self._ways_on(status, paused), *_on(invoice)]

    def _ways_to_end(self, status: str) -> list[Callable[[], Iterator[Step]]]:
        if self._count("/v1/invoiceitems", pending=True) or self._open_invoices():
            return []
        found = [lambda: _one(_delete(SUBSCRIPTION, {}))]
        if status in ("active", "past_due"):
            flag = not self._subscription()["cancel_at_period_end"]
            found += [lambda: _one(_post(SUBSCRIPTION, {"cancel_at_period_end": flag}))] * 2
        if status == "active" and not self._has_coupon and self._changed_in != self._period():
            found += [self._ends_with_credit] * 2
        return found

    def _ways_on(self, status: str, paused: bool) -> list[Callable[[], Iterator[Step]]]:
        found: list[Callable[[], Iterator[Step]]] = []
        if status == "active" and not paused:
            found += [self._pauses] * 2
            if not self._has_coupon and self._changed_in != self._period():
                found += [self._changes] * 6
        if status == "active" and paused:
            found += [lambda: _one(_post(SUBSCRIPTION, {"pause_collection": ""}))] * 3
        if status == "trialing" and self._card == PAYS:
            found += [lambda: _one(_post(SUBSCRIPTION, {"trial_end": "now"}))] * 2
        return found

    def _ends_with_credit(self) -> Iterator[Step]:
        now = {"invoice_now": True} if self._chance.random() < 0.5 else {}
        yield _delete(SUBSCRIPTION, {"prorate": True} | now)

    def _changes(self) -> Iterator[Step]:
        ends = self._subscription()["cancel_at_period_end"]
        behavior = self._chance.choice(["create_prorations", "always_invoice"][ends:])
        self._changed_in = self._period()
        (held,) = self._subscription()["items"]["data"]
        line: Object = {"id": "{item}"}
        if self._chance.random() < 0.6:
            others = {"pro_monthly": "scale_monthly", "scale_monthly": "pro_monthly"}
            line["price"] = f"{{price:{others[held['price']['lookup_key']]}}}"
        else:
            line["quantity"] = held["quantity"] % 5 + 1
        yield _post(SUBSCRIPTION, {"items": [line], "proration_behavior": behavior})

    def _pauses(self) -> Iterator[Step]:
        behavior = self._chance.choice(["void", "keep_as_draft", "mark_uncollectible"])
        yield _post(SUBSCRIPTION, {"pause_collection": {"behavior": behavior}})

    def _one_off(self) -> Iterator[Step]:
        amount = self._chance.choice([700, 1500, 9900])
        item = {"customer": "{customer}", "amount": amount, "currency": "usd"}
        yield _post("/v1/invoiceitems", item)
        match self._chance.randint(0, 3):
            case 0:
                yield _delete("/v1/invoiceitems/{pending}", {})
            case 1 if self._card == PAYS:
                yield _post("/v1/invoices", self._invoice())
                yield _post(f"{INVOICE}/pay", {})
            case 2:
                yield _post("/v1/invoices", self._invoice())
                yield _delete(INVOICE, {})

    def _invoice(self) -> Object:
        return {"customer": "{customer}", "pending_invoice_items_behavior": "include"}


def _on(invoice: str) -> list[Callable[[], Iterator[Step]]]:
    """What may be asked of the newest invoice, most of which is refused."""
    found = [
        lambda: _one(_post(f"{INVOICE}/finalize", {})),
        lambda: _one(_delete(INVOICE, {})),
    ]
    if invoice in ("paid", "void"):
        found += [lambda: _one(_post(f"{INVOICE}/pay", {})) for _ in range(2)]
        found += [lambda: _one(_post(f"{INVOICE}/void", {}))]
        found += [lambda: _one(_post(f"{INVOICE}/mark_uncollectible", {}))]
    return found if invoice in ("open", "paid", "void") else []


def _post(path: str, params: Object, makes: str = "") -> Step:
    step: Step = {"method": "POST", "path": path, "params": params}
    return step | ({"makes": makes} if makes else {})


def _delete(path: str, params: Object) -> Step:
    return {"method": "DELETE", "path": path, "params": params}


def _one(step: Step) -> Iterator[Step]:
    yield step
