"""Which of Stripe's events Billhook wants, and why. The webhook endpoint is registered for these;
all others tell us nothing.
"""

WANTED = {
    "customer.created": "A customer that Billhook may adopt, with its e-mail and default card.",
    "customer.updated": "The default card or the e-mail changed.",
    "customer.deleted": "The customer is gone, and with it every subscription.",
    "customer.subscription.created": "A subscription began.",
    "customer.subscription.updated": (
        "Status, plan, seats, trial, period or a scheduled cancellation changed."
    ),
    "customer.subscription.deleted": "A subscription ended for good.",
    "customer.subscription.paused": "A trial ended without a card, or the subscription was paused.",
    "customer.subscription.resumed": "A paused subscription runs again.",
    "customer.subscription.pending_update_applied": (
        "A change that waited for its payment took effect."
    ),
    "customer.subscription.pending_update_expired": (
        "A change that waited for its payment fell away."
    ),
    "customer.subscription.trial_will_end": (
        "One more look at the subscription three days before its trial ends; the reminders are our"
        " own."
    ),
    "invoice.created": "A period was billed; answering it promptly lets Stripe finalize it.",
    "invoice.finalized": "An invoice can be paid.",
    "invoice.paid": "A payment arrived: a trial is converted, a failed renewal mended.",
    "invoice.payment_succeeded": (
        "The same as invoice.paid where a payment was made, and at times the first to arrive."
    ),
    "invoice.payment_failed": "A payment was tried and failed; says when it is tried next.",
    "invoice.payment_action_required": "The customer's bank asks for a confirmation.",
    "invoice.updated": "The next attempt or the amounts changed.",
    "invoice.marked_uncollectible": "An invoice was given up.",
    "invoice.voided": "An invoice was withdrawn.",
    "payment_method.attached": (
        "A card was saved: its last digits and the end of its time, for the mails that name it."
    ),
    "payment_method.updated": "A card's end was changed.",
    "payment_method.automatically_updated": (
        "The bank renewed a card: it does not expire after all."
    ),
    "checkout.session.completed": (
        "A card was given on a page of Stripe's: it is still to be made the default."
    ),
    "charge.dispute.created": (
        "A customer disputes a payment: lifecycle mail stops, and operators are told."
    ),
    "charge.dispute.updated": "A dispute goes on.",
    "charge.dispute.closed": "A dispute was won or lost.",
    "charge.refunded": "A payment was given back: told on the timeline.",
}
"""Event type → why it is wanted."""
