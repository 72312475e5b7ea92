"""The public side of Billhook as the tests of its entry have it: API Gateway's events into the app,
moto behind it, a simulated Stripe.
"""

from tests.entry.conftest import stage  # noqa: F401 - the fixture
from tests.entry.test_mail_queue import office  # noqa: F401 - the fixture
from tests.entry.test_signups import front  # noqa: F401 - the fixture
