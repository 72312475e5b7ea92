"""Packs an account's JSON into few bytes: zlib with a preset dictionary.

DynamoDB bills a write by the KB. An account of five years is 8 KB of JSON and less than 2 KB
packed, one on trial less than 1 KB. Most of that is the dictionary's work: accounts are small, and
their JSON is mostly names and values that all accounts share.
"""

import zlib

LEVEL = 6
"""zlib's level. Level 1 takes 0.03 ms less for the account of a customer of five years, and 240
bytes more: that would be a third write unit.
"""

LARGEST = 2_000_000
"""The most bytes that are unpacked. An account with everything at its bound has 300 KB, so more is
damage, or an attempt to fill the memory.
"""

_RARE = (
    '"deleted":true,"locale":"","discounts":["di_1"],"cancel_at":"2026-03-02T09:00:00Z",'
    '"cancel_at_period_end":true,"ended_at":"2026-03-02T09:00:00Z",'
    '"pause_collection":{"behavior":"void","resumes_at":"2026-03-02T09:00:00Z"},"card":"pm_1",'
    '"canceled_at":"2026-03-02T09:00:00Z",'
    '"cancellation_details":{"reason":"cancellation_requested","feedback":"too_expensive",'
    '"comment":"","metered":true,"send_invoice":true,"schedule":"sub_sched_1","doubts":["",'
    '"settled":["","ended":{"sub_1":"2026-03-02T09:00:00Z",'
    '"next_payment_attempt":"2026-03-02T09:00:00Z","due_date":"2026-03-02T09:00:00Z","held":true,'
    '"grants":[{"until":"2026-03-02T09:00:00Z","plan":"","note":"",'
    '"milestones":{"":"2026-03-02T09:00:00Z","unsubscribed":{"lifecycle":"2026-03-02T09:00:00Z",'
    '"doubtful":true,"tries":1,"tried_at":"2026-03-02T09:00:00Z","task":{"verb":"cancel",'
    '"customer":"cus_","subscription":"sub_1","at":"2026-03-02T09:00:00Z","change":{"plan":"",'
    '"interval":"year","prorate":"","charge":{"id":"","coupon":"","asked":"",'
    '"key":""checkout":{"number":1,"order":{"mode":"setup","session":"cs_",'
    '"url":"https://checkout.stripe.com/c/pay/cs_live_","closed":true,'
    '"card_given_at":"2026-03-02T09:00:00Z","debit":"sepa_debit",'
    '"restored_at":"2026-03-02T09:00:00Z",'
    '"others":{"sub_1":{"value":{"payments":{"in_1":{"known_attempt":1,"first_failed_at":"",'
    '"failed_at":"","failure":"","processing_at":"","broadcasts":{"":{"message":"",'
    '"to":"everyone","at":"2026-03-02T09:00:00Z"},"disputes":{"dp_1":"needs_response",'
    '"leave":{"what":"cancel_now","left_by":"2026-03-02T09:00:00Z",'
    '"withdrawn_at":"2026-03-02T09:00:00Z",'
    '"alternatives":{"feedback":{"canceled@sub_1":{"answer":"","at":"2026-03-02T09:00:00Z",'
    '"departed_at":"2026-03-02T09:00:00Z","resting_until":"2026-03-02T09:00:00Z",'
    '"asks":[{"what":"payments","id":"in_1"}],'
    '"profile_changes":{"email":{"at":"2026-03-02T09:00:00Z","by":"customer"},'
    '"address_changes":[{"before":"","confirmed_at":"2026-03-02T09:00:00Z","sign_in_unused":1,'
    '"own_pause":{"subscription":"sub_1","paid_until":"2026-03-02T09:00:00Z",'
    '"status":"incomplete","reason":"trial_expired","access":"none","status":"unpaid",'
    '"access":"limited","reason":"canceling","reason":"past_due_grace","status":"paused",'
    '"reason":"canceled","type":""account.created","access.granted","access.revoked",'
    '"access.limited","trial.started","trial.converted","trial.expired","subscription.canceling",'
    '"subscription.canceled","plan.changed","payment.failed","payment.succeeded.in_1",'
    '"quantity.changed","data":{"invoice":"in_1","amount_due":"plan":"","access":"","was":""}}],'
    '"worker_outbox":[{"id":"acc_","outbox":[{"id":"acc_'
)
"""What some accounts have."""

_COMMON = (
    '"id":"acc_","version":0,"epoch":0,"profile":{"email":"","name":"","external_id":"",'
    '"timezone":"Europe/Berlin","America/New_York","attributes":{"","language":"de"},'
    '"customers":{"cus_":{"value":{"id":"cus_","email":"@gmail.com","name":"","card":"pm_1",'
    '"currency":"eur"},"seen":"2026-03-02T09:00:00Z","asked":true,"trail":[""]}},'
    '"subscriptions":{"sub_1":{"value":{"id":"sub_1","customer":"cus_","status":"trialing",'
    '"created":"2026-03-02T09:00:00Z","items":[{"price":"price_1","product":"prod_",'
    '"lookup_key":"pro_yearly","quantity":1,"amount":4900,"currency":"usd","interval":"month",'
    '"interval_count":1}],"trial_start":"2026-03-02T09:00:00Z",'
    '"trial_end":"2026-03-02T09:00:00Z","period_start":"2026-03-02T09:00:00Z",'
    '"period_end":"2026-03-02T09:00:00Z","currency":"usd","account_id":"acc_"},'
    '"seen":"2026-03-02T09:00:00Z","asked":true,"trail":[""]}},"signup":{"plan":"pro",'
    '"trial_ends_at":"2026-03-02T09:00:00Z","at":"2026-03-02T09:00:00Z","source":"",'
    '"interval":"month","confirm":true,"identities":["","email":"","name":""},'
    '"mails":{"welcome@trial-sub_1":{"outcome":"sent","at":"2026-03-02T09:00:00Z",'
    '"stream":"lifecycle"},"three_days@sub_1":{"outcome":"queued","at":"2026-03-02T09:00:00Z",'
    '"stream":"billing"}},"proved_at":"2026-03-02T09:00:00Z","link_epoch":1,'
    '"sign_in_asked_at":"2026-03-02T09:00:00Z","signed_in_by":"2026-03-02T09:00:00Z",'
    '"errands":{"trial":{"not_before":"2026-03-02T09:00:00Z","since":"2026-03-02T09:00:00Z",'
    '"generation":0,"tries":0,"done_at":"2026-03-02T09:00:00Z"}},'
    '"cards":{"pm_1":{"card":{"id":"pm_1","brand":"mastercard","brand":"visa","last4":"4242",'
    '"exp_month":12,"exp_year":2029},"at":"2026-03-02T09:00:00Z"},'
    '"plan_change":{"subscription":"sub_1","at":"2026-03-02T09:00:00Z","plan":"pro",'
    '"quantity":1},"owed_asked_at":"2026-03-02T09:00:00Z","history_until":"2026-03-02T09:00:00Z",'
    '"ours":["sub_1"],"price_keys":{"price_1":["pro_monthly"]},"settled_invoices":["failures":0,'
    '"asked_in_vain":0,"standing":{"status":"active","access":"full","reason":"active",'
    '"plan":"pro","features":[""],"quantity":1,"until":"2026-03-02T09:00:00Z"},'
    '"written_at":"2026-03-02T09:00:00Z","origin":"cus_",'
    '"invoices":{"in_1":{"value":{"id":"in_1","customer":"cus_","status":"paid",'
    '"created":"2026-03-02T09:00:00Z","subscription":"sub_1","currency":"usd","amount_due":4900,'
    '"amount_paid":4900,"attempt_count":1,"attempted":true,"finalized_at":"2026-03-02T09:00:00Z",'
    '"hosted_invoice_url":"https://invoice.stripe.com/i/acct_1/live_YWNjdF8x,X0?s=ap",'
    '"paid_at":"2026-03-02T09:00:00Z","amount_remaining":0,"reason":"subscription_create",'
    '"reason":"subscription_cycle","total":4900},"seen":"2026-03-02T09:00:00Z","bank_asked":0},'
)
"""What most accounts have. What comes last takes the fewest bytes."""

_FIGURES = (
    '"recurring_since":"2026-03-02T09:00:00Z","discounts":{"di_1":{"start":"2026-03-02T09:00:00Z",'
    '"told_at":"2026-03-02T09:00:00Z","duration":"repeating","duration":"forever",'
    '"percent_off":"20","amount_off":500,"currency":"usd","end":"2026-03-02T09:00:00Z"}},'
    '.payment.succeeded.in_1","type":"payment.succeeded","at":"2026-03-02T09:00:00Z","data":{'
    '"invoice":"in_1","subscription":"sub_1","amount_due":4900,"amount_paid":4900,'
    '"currency":"usd","attempt_count":1},"sequence":1,"standing":{"status":"active",'
    '"access":"full","reason":"active","plan":"pro","features":[""],"quantity":1,'
    '"until":"2026-03-02T09:00:00Z"},"external_id":""}],"written_at":"2026-03-02T09:00:00Z",'
    '"events":1,'
    '"recurring":{"sub_1":[{"at":"2026-03-02T09:00:00Z","before":"","after":"eur:4900:12",'
    '"assumed":true},{"at":"2026-03-02T09:00:00Z","before":"","after":"usd:4900:1"}]},'
    '"trial":{"started_at":"2026-03-02T09:00:00Z","ends_at":"2026-03-02T09:00:00Z",'
    '"converted_at":"2026-03-02T09:00:00Z"},"figures_due":["REVENUE#2026-03-02",'
    '"TRIALS#2026-03-02"],'
)
"""What the second dictionary adds: figures, and an event that waits."""

_FIRST_DICTIONARY = (_RARE + _COMMON).encode()
_DICTIONARY = (_RARE + _FIGURES + _COMMON).encode()

_DICTIONARIES = {zlib.adler32(one): one for one in (_FIRST_DICTIONARY, _DICTIONARY)}
"""Every dictionary with which an account was ever packed, by the number that zlib writes into the
packed bytes. Never change or remove one: to improve it, add another and pack with that.
"""


def pack(text: str) -> bytes:
    """The text in few bytes."""
    packer = zlib.compressobj(LEVEL, zdict=_DICTIONARY)
    return packer.compress(text.encode()) + packer.flush()


def unpack(packed: bytes) -> str:
    """The text that `pack` packed. Raises ValueError if it is damaged or longer than LARGEST."""
    dictionary = _DICTIONARIES.get(int.from_bytes(packed[2:6], "big"))
    if dictionary is None:
        raise ValueError("A packed account names a dictionary that this release does not know.")
    unpacker = zlib.decompressobj(zdict=dictionary)
    try:
        text = unpacker.decompress(packed, LARGEST)
    except zlib.error as error:
        raise ValueError("A packed account is damaged.") from error
    if not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"A packed account is cut off, or longer than {LARGEST} bytes.")
    return text.decode()
