"""Accounts in the table, with the pointers by which they are found. One account, one item, one
conditional write.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import client, read_many, translate_errors
from chalicelib.aws.items import Item, account_item, account_key, account_of, keyed_hash, stamp
from chalicelib.domain.account.pointers import Pointer, pointers, tombstones
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Accounts:
    """Reads and writes of accounts. `hash_key` keeps e-mail addresses out of keys, and so out of
    metrics and logs.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def load(self, id: str) -> Account | None:
        """The account as last written: one consistent read."""
        with translate_errors():
            item = self._dynamodb.get_item(
                TableName=self._table, Key=account_key(id), ConsistentRead=True
            ).get("Item")
        return account_of(item) if item else None

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        """The accounts of Stripe's customers, those that have one.

        `guesses` names for each customer the account that is probably its own. A guess is believed
        only if that account knows the customer; else the pointer is asked: so in the common case
        each account costs one read, and all of them together one call.
        """
        guessed = self._load_all(set(guesses.values()))
        found = {
            customer: guessed[id]
            for customer, id in guesses.items()
            if id in guessed and customer in guessed[id].customers
        }
        if missing := [customer for customer in guesses if customer not in found]:
            owners = {
                item["pk"]["S"].partition("#")[2]: item["account_id"]["S"]
                for item in read_many(
                    self._dynamodb,
                    self._table,
                    [_unique_key("CUSTOMER", customer) for customer in missing],
                )
            }
            accounts = guessed | self._load_all(set(owners.values()) - set(guessed))
            found |= {customer: accounts[id] for customer, id in owners.items() if id in accounts}
        return found

    def with_email(self, email: str) -> list[Account]:
        """The accounts that have this address, whichever case it is written in."""
        pointer = Pointer("EMAIL", email.strip().lower())
        with translate_errors():
            items = self._dynamodb.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": self._partition(pointer)}},
                ConsistentRead=True,
            )["Items"]
        accounts = self._load_all({item["account_id"]["S"] for item in items})
        return [accounts[id] for id in sorted(accounts)]

    def with_external_id(self, external_id: str) -> Account | None:
        """The account that the product knows by this id of its own."""
        found = read_many(self._dynamodb, self._table, [_unique_key("EXTERNAL", external_id)])
        return self.load(found[0]["account_id"]["S"]) if found else None

    def with_trial(self, identity: str) -> Account | None:
        """The account that has had the trial of this identity."""
        found = read_many(self._dynamodb, self._table, [self._key(Pointer("TRIAL", identity), "")])
        return self.load(found[0]["account_id"]["S"]) if found else None

    def save(self, old: Account, new: Account) -> None:
        """Write `new` if the item still is `old`, with the pointers that changed, all or nothing.

        Raises ConcurrentUpdate if another writer was faster, AccountTaken if a pointer is another
        account's, Unavailable.
        """
        self._write(old, new, pointers(new) - pointers(old))

    def rewrite(self, old: Account, new: Account) -> None:
        """The same as `save`, and every pointer is put anew, whether the table lacks it or not."""
        self._write(old, new, pointers(new))

    def erase(self, account: Account, at: datetime) -> None:
        """Take the account away with its pointers, if the item still is that account; what stays
        are keyed hashes: that it was erased, and that its trial was had. All or nothing. Raises
        ConcurrentUpdate, Unavailable.
        """
        graves = [self._grave(name) | {"at": {"S": stamp(at)}} for name in tombstones(account)]
        kept = [
            self._key(pointer, account.id) | {"account_id": {"S": _NOBODY}}
            for pointer in pointers(account)
            if pointer.kind == "TRIAL"
        ]
        gone = [
            self._key(pointer, account.id)
            for pointer in pointers(account)
            if pointer.kind != "TRIAL"
        ]
        changes: list[Any] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": account_key(account.id),
                    **_unchanged(account),
                }
            },
            *({"Put": {"TableName": self._table, "Item": item}} for item in (*graves, *kept)),
            *({"Delete": {"TableName": self._table, "Key": key}} for key in gone),
        ]
        with translate_errors():
            self._dynamodb.transact_write_items(TransactItems=changes)

    def erased(self, names: Collection[str]) -> set[str]:
        """Which of these are names (see domain/pointers.py) of something that was erased: one
        consistent read of up to a hundred.
        """
        graves = {self._grave(name)["pk"]["S"]: name for name in names}
        return {
            graves[item["pk"]["S"]]
            for item in read_many(
                self._dynamodb, self._table, [self._grave(name) for name in names]
            )
        }

    def _write(self, old: Account, new: Account, added: Iterable[Pointer]) -> None:
        put: Any = {"TableName": self._table, "Item": account_item(new), **_unchanged(old)}
        changes = [
            *map(self._put(new), sorted(added)),
            *map(self._delete(new), sorted(pointers(old) - pointers(new))),
        ]
        with translate_errors():
            if not changes:
                self._dynamodb.put_item(**put)
                return
            try:
                self._dynamodb.transact_write_items(TransactItems=[{"Put": put}, *changes])
            except self._dynamodb.exceptions.TransactionCanceledException as error:
                reasons = [
                    reason.get("Code") for reason in error.response.get("CancellationReasons", [])
                ]
                if (
                    "ConditionalCheckFailed" in reasons[1:]
                    and reasons[0] != "ConditionalCheckFailed"
                ):
                    raise AccountTaken(
                        "A Stripe customer, an external id or the trial of this account belongs to"
                        " another account."
                    ) from error
                raise ConcurrentUpdate(f"The transaction was canceled: {reasons}.") from error

    def _load_all(self, ids: set[str]) -> dict[str, Account]:
        found = map(
            account_of,
            read_many(self._dynamodb, self._table, [account_key(id) for id in sorted(ids)]),
        )
        return {account.id: account for account in found}

    def _put(self, account: Account) -> Callable[[Pointer], Any]:
        return lambda pointer: {
            "Put": {
                "TableName": self._table,
                "Item": {**self._key(pointer, account.id), "account_id": {"S": account.id}},
                **(
                    {
                        "ConditionExpression": _OURS,
                        "ExpressionAttributeValues": {":id": {"S": account.id}},
                    }
                    if pointer.unique
                    else {}
                ),
            }
        }

    def _delete(self, account: Account) -> Callable[[Pointer], Any]:
        return lambda pointer: {
            "Delete": {"TableName": self._table, "Key": self._key(pointer, account.id)}
        }

    def _grave(self, name: str) -> Item:
        return _unique_key("ERASED", keyed_hash(name, self._hash_key()))

    def _key(self, pointer: Pointer, account_id: str) -> Item:
        if pointer.unique:
            return _unique_key(
                pointer.kind,
                keyed_hash(pointer.value, self._hash_key()) if pointer.secret else pointer.value,
            )
        return {"pk": {"S": self._partition(pointer)}, "sk": {"S": f"ACCOUNT#{account_id}"}}

    def _partition(self, pointer: Pointer) -> str:
        return f"{pointer.kind}#{keyed_hash(pointer.value, self._hash_key())}"


_NOBODY = "#erased"
"""Whose trial it was that an account had which was erased: no id of an account can be this."""

_OURS = "attribute_not_exists(pk) OR account_id = :id"


def _unchanged(old: Account) -> dict[str, Any]:
    if not old.version:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(old.version)}},
    }


def _unique_key(kind: str, value: str) -> Item:
    return {"pk": {"S": f"{kind}#{value}"}, "sk": {"S": kind}}
