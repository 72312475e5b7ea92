"""Build a message of the past anew. No body of a mail is kept, so it is written again from what is
known today.
"""

from datetime import datetime

from chalicelib.domain.access.standing import standing
from chalicelib.domain.account.links import as_typed
from chalicelib.domain.account.queries import wanted_language
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import BillhookError
from chalicelib.domain.messaging.due_messages import DueMessage
from chalicelib.domain.messaging.past_messages import occasion_of, step_of
from chalicelib.outreach.rendering import language_for, render
from chalicelib.outreach.variables import variables
from chalicelib.usecases.services import Services
from chalicelib.values import frozen, replace

LEFT_OUT = "https://link.invalid/left-out"
"""What each link of the reader's own leads to in a message that is built anew: a mailed link proves
who reads it, and none is made for anybody else. Nothing can be there (RFC 2606).
"""

OWN_LINKS = ("unsubscribe_url", "preferences_url", "billing_url", "link_url", "feedback_url")


class NotRebuilt(BillhookError):
    """A message whose text is not known here."""

    code = "not_rebuilt"


@frozen
class RebuiltMessage:
    """A message as it is written today. `stands` is whether its occasion is what it was."""

    subject: str
    html: str
    text: str
    language: str
    stands: bool


def rebuild(account: Account, key: str, at: datetime, services: Services) -> RebuiltMessage:
    """The message `step@occasion` of the account, as it would have been written at `at` by what is
    known now, without the reader's links. Raises NotRebuilt where it cannot be, with the reason,
    UnknownMessage and BrokenMessage as rendering does.
    """
    policy = services.policy
    step = step_of(key, account, policy)
    if step is None or policy.mail is None:
        raise NotRebuilt("billing.toml has the step no more, so its text is not known.", "step")
    if step.via and not step.message:
        raise NotRebuilt("The people system sends this step, and its text is there.", "step")
    occasion, stands = occasion_of(step, key.partition("@")[2], at, account, policy)
    then = replace(account, standing=standing(account, policy, at))
    reader = as_typed(then, occasion.id) if step.id == "sign_in" else then
    language = language_for(step.message, wanted_language(reader, policy), policy.mail.language)
    links = dict.fromkeys(OWN_LINKS, LEFT_OUT)
    if step.stream != "lifecycle":
        links |= {"unsubscribe_url": "", "preferences_url": ""}
    mail = DueMessage(step, occasion, at, at)
    rendered = render(step.message, variables(then, mail, policy, at, links, language), language)
    return RebuiltMessage(rendered.subject, rendered.html, rendered.text, language, stands)
