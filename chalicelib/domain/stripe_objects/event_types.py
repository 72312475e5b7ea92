"""The types of Stripe's events that Billhook handles, and why. `ops stripe apply` registers the
webhook endpoint for these.
"""

EVENT_TYPES = {
    "customer.created": "A customer that Billhook may adopt, with e-mail and default card.",
    "customer.updated": "The default card or the e-mail changed.",
    "customer.deleted": "The customer was deleted, which ends every subscription.",
    "customer.discount.created": "What a discount takes off, for the figures.",
    "customer.discount.updated": "The same, of a discount that changed.",
    "customer.discount.deleted": "A discount takes nothing off any more.",
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
        "A change that waited for its payment was dropped."
    ),
    "customer.subscription.trial_will_end": (
        "The state of the subscription three days before its trial ends. The reminders are"
        " Billhook's own."
    ),
    "invoice.created": "A period was billed. Stripe finalizes the invoice once this is received.",
    "invoice.finalized": "An invoice can be paid.",
    "invoice.paid": "A payment arrived: a trial converts, or a failed renewal is paid.",
    "invoice.payment_succeeded": (
        "The same as invoice.paid if there was a payment, and sometimes the first to arrive."
    ),
    "invoice.payment_failed": "A payment failed; has the time of the next attempt.",
    "invoice.finalization_failed": (
        "An invoice cannot be finalized, for instance because its tax cannot be calculated: it"
        " stays a draft until somebody mends the cause."
    ),
    "invoice.overdue": "A sent invoice is past its due date.",
    "payment_intent.processing": "A bank debit is under way: neither paid nor failed for days.",
    "payment_intent.payment_failed": (
        "A payment failed; for a bank debit that was under way, with the reason."
    ),
    "invoice.payment_action_required": "The bank wants the customer to confirm the payment.",
    "invoice.updated": "The next attempt or the amounts changed.",
    "invoice.marked_uncollectible": "Collecting an invoice was given up.",
    "invoice.voided": "An invoice was voided.",
    "payment_method.attached": (
        "A card was saved: its last digits and expiry date, for messages and pages that name it."
    ),
    "payment_method.updated": "The expiry date of a card changed.",
    "payment_method.automatically_updated": "The bank renewed a card, so it does not expire.",
    "checkout.session.completed": (
        "A card was saved on a page of Stripe's and has to become the default."
    ),
    "charge.dispute.created": (
        "A customer disputes a payment: lifecycle mail stops, and an alarm tells the owner."
    ),
    "charge.dispute.updated": "The status of a dispute changed.",
    "charge.dispute.closed": "A dispute was won or lost.",
    "charge.refunded": "A payment was refunded; shown in the timeline.",
    "subscription_schedule.created": (
        "A schedule will change a subscription. Its subscription is fetched: Stripe may tell of it"
        " by no event of the subscription's own."
    ),
    "subscription_schedule.updated": "The same, of what the schedule will do now.",
    "subscription_schedule.released": "The subscription goes on without its schedule.",
    "subscription_schedule.canceled": "The schedule ended, and its subscription may have, too.",
    "subscription_schedule.completed": "The last phase is over: the schedule does no more.",
}
"""Event type → what it reports."""
