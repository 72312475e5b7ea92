"""Is every message of the policy whole, in every language that it is in? A missing variable is an
error before it is a mail.
"""

from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import ASKED_FOR
from chalicelib.outreach.rendering import BrokenMessage, language_for, languages, missing
from chalicelib.outreach.samples import SAMPLES


def check_messages(policy: Policy) -> None:
    """Return if the message of every step is there in the policy's language, and has in each all
    that it needs for every kind of reader.

    Every template is read for it, which takes a second: where a policy comes from is the place for
    it, not where a mail is sent, for there the one message is checked anyway. Raises BrokenMessage,
    UnknownMessage.
    """
    if policy.mail is None:
        return
    for message in {step.message: None for step in (*policy.steps, *ASKED_FOR)}:
        language_for(message, policy.mail.language, policy.mail.language)
        for language in SAMPLES.keys() & set(languages(message)):
            for reader, variables in SAMPLES[language].items():
                if names := missing(message, variables, language):
                    raise BrokenMessage(
                        f"The message {message} ({language}) needs {', '.join(names)}, which"
                        f" {reader} has not.",
                        message,
                    )
