"""Take what the provisioner, or an operator, reports of an account's instance."""

from chalicelib.domain.account.parts.instance import InstanceReported, InstanceRequest
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import InvalidInput, NotPossible
from chalicelib.domain.instances.call_times import asked_again_at, retry_at
from chalicelib.domain.outgoing.hosts import link_to
from chalicelib.domain.policy.policy import InstancePolicy
from chalicelib.usecases.ingestion.apply_facts import apply_facts
from chalicelib.usecases.instances.deletions import count_change
from chalicelib.usecases.reading import require_account
from chalicelib.usecases.services import Services
from chalicelib.values import frozen


@frozen
class InstanceReport:
    """What a caller reports: a status (one of REPORTED), and the URL where it is new. With
    `request_id` it counts only if that is the last one. `loopback` is true in the local system
    alone.
    """

    status: str
    url: str | None = None
    request_id: str | None = None
    loopback: bool = False


def report_instance(account_id: str, report: InstanceReport, services: Services) -> Account:
    """The account with the report. The same again changes nothing. Raises AccountNotFound,
    InvalidInput for a URL that is not on the policy's hosts or is missing, NotPossible for a
    request that is not the last one, Unavailable.
    """
    policy = instance_policy(services)
    account = require_account(account_id, services.stores.accounts)
    url = None if report.url is None else link_to(report.url, policy.hosts, report.loopback)
    now = services.clock.now()

    def check(found: Account) -> None:
        _refuse_stale(found, report)
        if report.status == "ready" and not url and not (found.instance and found.instance.url):
            raise InvalidInput("url is missing: the instance has none yet.", "url")
        if report.status == "creating" and _open(found) is None:
            raise NotPossible(
                "Nothing is being made for this account. Report ready once there is an instance.",
                "status",
            )

    request = _open(account)
    call_at = None
    if request and report.status == "creating":
        call_at = asked_again_at(request, now)
    elif request and report.status == "failed":
        call_at = retry_at(request, now)
    fact = InstanceReported(report.status, now, url, report.request_id, call_at)
    after = apply_facts(account, [fact], services, None, check=check)
    count_change(account.instance, after.instance, services)
    return after


def instance_policy(services: Services) -> InstancePolicy:
    """The policy of instances. Raises NotPossible if billing.toml has none."""
    if services.policy.instance is None:
        raise NotPossible("There are no instances: billing.toml has no table [instance].")
    return services.policy.instance


def _open(account: Account) -> InstanceRequest | None:
    return account.instance.open_request if account.instance else None


def _refuse_stale(account: Account, report: InstanceReport) -> None:
    request = account.instance.request if account.instance else None
    if report.request_id and (request is None or request.id != report.request_id):
        raise NotPossible(
            "request_id is not the last one that was asked for this account, so this is old news."
            " GET /accounts/{id} shows the last one in instance.request_id.",
            "request_id",
        )
