"""Write to a suppressed address again."""

from chalicelib.usecases.ports import LiftableSuppressions


def lift_suppression(email: str, ours: LiftableSuppressions, ses: LiftableSuppressions) -> bool:
    """Take the address off SES's list and then off ours, so that a failure in between leaves it
    suppressed; False if it was on neither. Raises Unavailable, Refused.
    """
    at_ses = ses.lift(email)
    return ours.lift(email) or at_ses
