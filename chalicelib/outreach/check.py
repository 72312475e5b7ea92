"""Checks the messages of a policy before any is sent: each must exist and have all its variables,
in every language.
"""

from chalicelib.domain.policy.policy import Policy
from chalicelib.domain.policy.sequences import TRANSACTIONAL_STEPS
from chalicelib.outreach.rendering import BrokenMessage, language_for, languages, missing
from chalicelib.outreach.samples import SAMPLES


def check_messages(policy: Policy) -> None:
    """Check that the message of every step exists in the policy's language, and that no sample
    reader lacks a variable of it in any language. Raises UnknownMessage, BrokenMessage.

    Reads all templates, which takes a second. Call it where a policy is checked, not where a
    message is sent: `render` checks that one message anyway.
    """
    if policy.mail is None:
        return
    for message in {
        step.message: None for step in (*policy.steps, *TRANSACTIONAL_STEPS) if not step.via
    }:
        language_for(message, policy.mail.language, policy.mail.language)
        for language in SAMPLES.keys() & set(languages(message)):
            for reader, variables in SAMPLES[language].items():
                if names := missing(message, variables, language):
                    raise BrokenMessage(
                        f"The message {message} ({language}) needs {', '.join(names)}, which the"
                        f" sample {reader} does not have.",
                        message,
                    )
