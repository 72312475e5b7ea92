"""The public side of Billhook as the tests of its entry have it: API Gateway's events into the app,
moto behind it, a simulated Stripe.
"""

from tests.http.conftest import stage  # noqa: F401 - the fixture
from tests.http.signups.test_signups import front  # noqa: F401 - the fixture
from tests.http.triggers.test_mail_queue import office  # noqa: F401 - the fixture
