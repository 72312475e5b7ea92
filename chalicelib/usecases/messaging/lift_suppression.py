"""Write to a suppressed address again."""

from chalicelib.domain.security.signup import with_ascii_domain
from chalicelib.usecases.fan_out import note_contact
from chalicelib.usecases.ports.mail import LiftableSuppressions
from chalicelib.usecases.services import Services


def lift_suppression(
    email: str, ours: LiftableSuppressions, ses: LiftableSuppressions, services: Services
) -> bool:
    """Take the address off SES's list and then off ours, so that a failure in between leaves it
    suppressed; False if it was on neither. The people system is told that its accounts get mail
    again. Raises Unavailable, Refused.
    """
    address = with_ascii_domain(email)
    at_ses = ses.lift(address)
    lifted = ours.lift(address)
    # Whether it was on a list or not: an earlier run may have ended before this.
    if services.policy.people is not None:
        for account in services.stores.accounts.with_email(address):
            note_contact(account, "lifted", services)
    return lifted or at_ses
