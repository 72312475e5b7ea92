"""Accounts in the table, and the pointers that find them. One account is one item, saved by one
conditional write.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.aws.dynamo import (
    all_items,
    client,
    has_version,
    read_many,
    read_one,
    translate_errors,
)
from chalicelib.aws.items import Item, account_item, account_key, account_of, keyed_hash, stamp
from chalicelib.aws.write_hook import about_to_write
from chalicelib.domain.account.pointers import WAITING_JOIN, Pointer, pointers, tombstones
from chalicelib.domain.account.state import Account
from chalicelib.domain.errors import AccountTaken, ConcurrentUpdate

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Accounts:
    """Reads and writes accounts. `hash_key` keys the hashes that stand for e-mail addresses in
    DynamoDB keys: metrics and logs show those keys.
    """

    def __init__(
        self, table: str, hash_key: Callable[[], str], dynamodb: "DynamoDBClient | None" = None
    ) -> None:
        self._table = table
        self._hash_key = hash_key
        self._dynamodb = dynamodb or client()

    def load(self, id: str) -> Account | None:
        """The account as last saved: one consistent read. Raises Unavailable."""
        item = read_one(self._dynamodb, self._table, account_key(id))
        return account_of(item) if item else None

    def load_many(self, ids: Sequence[str]) -> list[Account]:
        """Those of the ids that there are, in their order: consistent reads, up to 100 a call.
        Raises Unavailable.
        """
        found = self._load_all(set(ids))
        return [found[id] for id in ids if id in found]

    def of_customers(self, guesses: Mapping[str, str]) -> dict[str, Account]:
        """The account of each Stripe customer. Customers without an account are left out.

        `guesses` maps a customer to the id of its likely account. A guess counts only if that
        account lists the customer; otherwise the pointer decides. In the common case this reads
        each account once, all of them in one call. Raises Unavailable.
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
        """The accounts with this e-mail address, upper and lower case alike, by id. Raises
        Unavailable.
        """
        return self._under(Pointer("EMAIL", email.strip().lower()))

    def with_waiting_join(self) -> list[Account]:
        """The accounts whose customer named another one, and an operator has not decided yet, by
        id. Raises Unavailable.
        """
        # a restored table may have the pointer of a join that was decided since
        return [one for one in self._under(WAITING_JOIN) if WAITING_JOIN in pointers(one)]

    def with_external_id(self, external_id: str) -> Account | None:
        """The account with this id of the product. Raises Unavailable."""
        found = read_many(self._dynamodb, self._table, [_unique_key("EXTERNAL", external_id)])
        return self.load(found[0]["account_id"]["S"]) if found else None

    def with_trial(self, identity: str) -> Account | None:
        """The account that used the trial of this identity. Raises Unavailable."""
        found = read_many(self._dynamodb, self._table, [self._key(Pointer("TRIAL", identity), "")])
        return self.load(found[0]["account_id"]["S"]) if found else None

    def save(self, old: Account, new: Account) -> None:
        """Write `new` and the pointers that changed in one transaction, if the stored account
        still has the version of `old`.

        Raises ConcurrentUpdate if another writer was faster, AccountTaken if a unique pointer
        belongs to another account, Unavailable.
        """
        self._write(old, new, pointers(new) - pointers(old))

    def rewrite(self, old: Account, new: Account) -> None:
        """As `save`, but write every pointer of `new`, even those that did not change."""
        self._write(old, new, pointers(new))

    def save_listed(self, old: Account, new: Account) -> None:
        """As `save`, but write the places of its name too where they did not change: an account
        that was written last before there were any has none.
        """
        listed = {pointer for pointer in pointers(new) if pointer.sorted_in}
        self._write(old, new, listed | (pointers(new) - pointers(old)))

    def absorb(self, absorbed: Account, old: Account, new: Account) -> None:
        """Write `new` in place of `old`, as `save` does, and delete `absorbed` in the same
        transaction, if it still has its version too. Its pointers lead to `new`, or are deleted.
        """
        kept = {str(self._key(pointer, new.id)) for pointer in pointers(new)}
        self._write(
            old,
            new,
            pointers(new) - pointers(old),
            absorbed,
            [
                pointer
                for pointer in sorted(pointers(absorbed))
                if str(self._key(pointer, absorbed.id)) not in kept
            ],
        )

    def erase(self, account: Account, at: datetime, frees_trials: bool = False) -> None:
        """Delete the account and its pointers in one transaction, if the stored account still has
        this version. Two kinds of keyed hashes stay: tombstones, and the marks of used trials; with
        `frees_trials` only the first. Raises ConcurrentUpdate, Unavailable.
        """
        stones = [self._tombstone(name) | {"at": {"S": stamp(at)}} for name in tombstones(account)]
        used_trials = [
            self._key(pointer, account.id) | {"account_id": {"S": _ERASED_OWNER}}
            for pointer in pointers(account)
            if pointer.kind == "TRIAL" and not frees_trials
        ]
        deleted = [
            self._key(pointer, account.id)
            for pointer in pointers(account)
            if pointer.kind != "TRIAL" or frees_trials
        ]
        changes: list[Any] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": account_key(account.id),
                    **has_version(account.version),
                }
            },
            *(
                {"Put": {"TableName": self._table, "Item": item}}
                for item in (*stones, *used_trials)
            ),
            *({"Delete": {"TableName": self._table, "Key": key}} for key in deleted),
        ]
        with translate_errors():
            self._dynamodb.transact_write_items(TransactItems=changes)

    def erased(self, names: Collection[str]) -> set[str]:
        """Those of the names (see domain/account/pointers.py) that have a tombstone. Consistent
        reads, up to 100 names a call. Raises Unavailable.
        """
        stones = {self._tombstone(name)["pk"]["S"]: name for name in names}
        return {
            stones[item["pk"]["S"]]
            for item in read_many(
                self._dynamodb, self._table, [self._tombstone(name) for name in names]
            )
        }

    def _write(
        self,
        old: Account,
        new: Account,
        added: Iterable[Pointer],
        absorbed: Account | None = None,
        gone: Iterable[Pointer] = (),
    ) -> None:
        """Write `new` and the pointers that are `added`; with it delete the account that it has
        `absorbed`, and those of its pointers that are `gone`.
        """
        about_to_write(old, new)
        put: Any = {
            "TableName": self._table,
            "Item": account_item(new),
            **has_version(old.version),
        }
        versions: list[Any] = [{"Put": put}]
        changes = [
            *map(self._put(new, absorbed or new), sorted(added)),
            *map(self._delete(new), sorted(pointers(old) - pointers(new))),
        ]
        if absorbed:
            end = {"TableName": self._table, "Key": account_key(absorbed.id)}
            versions.append({"Delete": {**end, **has_version(absorbed.version)}})
            changes += map(self._delete(absorbed), gone)
        from botocore.exceptions import ClientError

        with translate_errors():
            if not changes:
                self._dynamodb.put_item(**put)
                return
            try:
                self._dynamodb.transact_write_items(TransactItems=[*versions, *changes])
            except ClientError as error:
                if error.response["Error"]["Code"] != "TransactionCanceledException":
                    raise
                reasons = [
                    reason.get("Code") for reason in error.response.get("CancellationReasons", [])
                ]
                lost, taken = reasons[: len(versions)], reasons[len(versions) :]
                if "ConditionalCheckFailed" in taken and "ConditionalCheckFailed" not in lost:
                    raise AccountTaken(
                        "A Stripe customer, the external id or the trial of this account belongs to"
                        " another account."
                    ) from error
                raise ConcurrentUpdate(f"The transaction was canceled: {reasons}.") from error

    def _under(self, pointer: Pointer) -> list[Account]:
        """The accounts that a pointer of several leads to, by id."""
        found = all_items(
            self._dynamodb.query,
            TableName=self._table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self._partition(pointer)}},
            ConsistentRead=True,
        )
        ids = {item["account_id"]["S"] for item in found}
        accounts = self._load_all(ids)
        return [accounts[id] for id in sorted(accounts)]

    def _load_all(self, ids: set[str]) -> dict[str, Account]:
        found = map(
            account_of,
            read_many(self._dynamodb, self._table, [account_key(id) for id in sorted(ids)]),
        )
        return {account.id: account for account in found}

    def _put(self, account: Account, before: Account) -> Callable[[Pointer], Any]:
        """Puts a pointer to the account, if it is unique only where none leads to another account;
        one to the account `before` is replaced.
        """
        return lambda pointer: {
            "Put": {
                "TableName": self._table,
                "Item": {**self._key(pointer, account.id), "account_id": {"S": account.id}},
                **(
                    {
                        "ConditionExpression": _FREE_OR_SAME_ACCOUNT,
                        "ExpressionAttributeValues": {
                            ":id": {"S": account.id},
                            ":before": {"S": before.id},
                        },
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

    def _tombstone(self, name: str) -> Item:
        return _unique_key("ERASED", keyed_hash(name, self._hash_key()))

    def _key(self, pointer: Pointer, account_id: str) -> Item:
        if place := pointer.sorted_in:
            return {"pk": {"S": place[0]}, "sk": {"S": f"{place[1]}#{account_id}"}}
        if pointer.unique:
            return _unique_key(
                pointer.kind,
                keyed_hash(pointer.value, self._hash_key()) if pointer.secret else pointer.value,
            )
        return {"pk": {"S": self._partition(pointer)}, "sk": {"S": f"ACCOUNT#{account_id}"}}

    def _partition(self, pointer: Pointer) -> str:
        return f"{pointer.kind}#{keyed_hash(pointer.value, self._hash_key())}"


_ERASED_OWNER = "#erased"
"""The owner of a used trial whose account was erased. No account can have this id."""

_FREE_OR_SAME_ACCOUNT = "attribute_not_exists(pk) OR account_id IN (:id, :before)"


def _unique_key(kind: str, value: str) -> Item:
    return {"pk": {"S": f"{kind}#{value}"}, "sk": {"S": kind}}
