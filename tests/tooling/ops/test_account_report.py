"""What the operator reads of an account."""

import pytest

from ops.account_report import told
from tests.fakes.customer_pages import NOW, SOLD, billed, customer


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("usd", 4900, "$49.00"),
        ("jpy", 4900, "4,900 JPY"),
        ("kwd", 15250, "15.250 KWD"),
        ("isk", 490000, "4,900 ISK"),
    ],
)
def test_invoices_are_told_with_the_decimals_of_their_currency(
    currency: str, amount: int, text: str
) -> None:
    lines = told(billed(customer(currency, amount), currency, amount), [], SOLD, NOW)
    invoices = [line for line in lines if line.startswith("invoice ")]
    assert invoices
    assert all(line.endswith(f"  {text}") for line in invoices)
