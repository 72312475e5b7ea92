"""Write to a suppressed address again."""

from chalicelib.domain.security.signup import with_ascii_domain
from chalicelib.usecases.ports.mail import LiftableSuppressions


def lift_suppression(email: str, ours: LiftableSuppressions, ses: LiftableSuppressions) -> bool:
    """Take the address off SES's list and then off ours, so that a failure in between leaves it
    suppressed; False if it was on neither. Raises Unavailable, Refused.
    """
    address = with_ascii_domain(email)
    at_ses = ses.lift(address)
    return ours.lift(address) or at_ses
