"""A change set: what a deployment would change, shown first and executed after that."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.domain.errors import InvalidInput, Unavailable

PAUSE_SECONDS = 2.0
PATIENCE_SECONDS = 1800

_NOTHING = ("didn't contain changes", "No updates are to be performed")
_AT_REST = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE")
_NOT_THERE = ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE")


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that would change. `replaced` says whether it would be created again, without
    its data.
    """

    action: str
    logical_id: str
    type: str
    replaced: str

    def __str__(self) -> str:
        note = {"True": "  REPLACED", "Conditional": "  perhaps replaced"}.get(self.replaced, "")
        return f"{self.action:<8}{self.logical_id}  ({self.type}){note}"


class Stack:
    """One stack, changed by change sets. `pause` waits for a number of seconds; `say` gets a line
    for each failure.
    """

    def __init__(
        self,
        cloudformation: Any,
        name: str,
        pause: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = print,
    ) -> None:
        self._cloudformation, self.name, self._pause, self._say = cloudformation, name, pause, say

    def status(self) -> str | None:
        """The stack's status; None if there is none."""
        stack = self._stack()
        return str(stack["StackStatus"]) if stack else None

    def propose(
        self, template_url: str, declared: Mapping[str, Any], wanted: Mapping[str, str]
    ) -> list[Change] | None:
        """What would change, with the parameters `wanted` and all others unchanged; None if nothing
        would. Raises InvalidInput.

        `declared` are the template's parameters.
        """
        if unknown := sorted(wanted.keys() - declared.keys()):
            raise InvalidInput(
                f"The template has no setting {', '.join(unknown)}: it has"
                f" {', '.join(sorted(declared))}."
            )
        status = self.status()
        is_new = status is None or status in _NOT_THERE
        if not is_new and status not in _AT_REST:
            raise InvalidInput(
                f"Stack {self.name} is {status}: wait until it is done. If its first creation"
                " failed, delete it in CloudFormation; if a rollback failed, continue that there."
            )
        # A stack that cannot be created is taken away again: the next attempt must not find its
        # remains.
        creating = (
            {"ChangeSetType": "CREATE", "OnStackFailure": "DELETE"}
            if is_new
            else {"ChangeSetType": "UPDATE"}
        )
        held = (
            {}
            if is_new
            else {one["ParameterKey"] for one in (self._stack() or {}).get("Parameters", [])}
        )
        kept = [
            {"ParameterKey": name, "UsePreviousValue": True}
            for name in declared
            if name in held and name not in wanted
        ]
        change_set = self._cloudformation.create_change_set(
            StackName=self.name,
            ChangeSetName=f"deploy-{int(time.time() * 1000)}",
            TemplateURL=template_url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                *kept,
                *(
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in wanted.items()
                ),
            ],
            **creating,
        )["Id"]
        return self._changes(change_set)

    def _changes(self, change_set: str) -> list[Change] | None:
        self._change_set = change_set
        described = self._settled(
            lambda: self._cloudformation.describe_change_set(
                ChangeSetName=change_set, StackName=self.name
            )
        )
        if described["Status"] == "FAILED":
            reason = described.get("StatusReason", "")
            self._cloudformation.delete_change_set(ChangeSetName=change_set, StackName=self.name)
            if any(words in reason for words in _NOTHING):
                return None
            raise InvalidInput(f"CloudFormation refuses the template: {reason}")
        changes = list(described["Changes"])
        while token := described.get("NextToken"):
            described = self._cloudformation.describe_change_set(
                ChangeSetName=change_set, StackName=self.name, NextToken=token
            )
            changes += described["Changes"]
        found = [one["ResourceChange"] for one in changes]
        return [
            Change(
                it["Action"],
                it["LogicalResourceId"],
                it["ResourceType"],
                str(it.get("Replacement", "False")),
            )
            for it in found
        ]

    def carry_out(self) -> None:
        """Execute the change set, and report what fails with its reason. Raises InvalidInput if it
        did not succeed; everything is then as before.
        """
        before = self._latest_event()
        is_new = self.status() in _NOT_THERE
        # Without it, what the template retains would be left behind by a creation that failed.
        self._cloudformation.execute_change_set(
            ChangeSetName=self._change_set, StackName=self.name, RetainExceptOnCreate=is_new
        )
        told: set[str] = set()
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            self._tell(before, told)
            status = self.status()
            if status in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
                return
            if status is None or status.endswith(("FAILED", "ROLLBACK_COMPLETE")):
                raise InvalidInput(
                    f"The deployment of {self.name} failed"
                    f" ({status or 'the stack was taken away again'}): the reasons stand above."
                )
            self._pause(PAUSE_SECONDS)
        raise Unavailable(f"CloudFormation is still at work on {self.name}: look there.")

    def remove(self) -> None:
        """Delete the stack; resources that the template retains stay. Raises InvalidInput if it
        does not exist.
        """
        stack = self._stack()
        if stack is None:
            raise InvalidInput(f"There is no stack {self.name} here.", "stage")
        # By its id: a deleted stack is not found by its name.
        self._cloudformation.delete_stack(StackName=stack["StackId"])
        end = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < end:
            found = self._cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"]
            if not found or found[0]["StackStatus"] == "DELETE_COMPLETE":
                return
            if found[0]["StackStatus"] == "DELETE_FAILED":
                raise InvalidInput(
                    f"{self.name} could not be deleted:"
                    f" {found[0].get('StackStatusReason', 'see CloudFormation')}"
                )
            self._pause(PAUSE_SECONDS)
        raise Unavailable(f"CloudFormation is still deleting {self.name}: look there.")

    def _settled(self, describe: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE_SECONDS
        while (described := describe())["Status"] not in (
            "CREATE_COMPLETE",
            "FAILED",
        ) and time.monotonic() < end:
            self._pause(PAUSE_SECONDS)
        return described

    def _stack(self) -> Any:
        try:
            return self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise InvalidInput(
                f"CloudFormation refuses to tell of {self.name}: {error.response['Error']['Code']}."
            ) from error

    def _latest_event(self) -> Any:
        events = self._events()
        return events[0]["Timestamp"] if events else None

    def _tell(self, since: Any, told: set[str]) -> None:
        for event in reversed(self._events()):
            failed = "FAILED" in event["ResourceStatus"] and "cancelled" not in event.get(
                "ResourceStatusReason", ""
            )
            if (
                failed
                and event["EventId"] not in told
                and (since is None or event["Timestamp"] > since)
            ):
                told.add(event["EventId"])
                self._say(
                    f"{event['LogicalResourceId']} ({event['ResourceType']}):"
                    f" {event.get('ResourceStatusReason', event['ResourceStatus'])}"
                )

    def _events(self) -> list[Any]:
        try:
            return list(
                self._cloudformation.describe_stack_events(StackName=self.name)["StackEvents"]
            )
        except ClientError:
            return []  # a stack that was taken away again
