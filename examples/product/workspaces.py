"""The product's own data: a workspace for each customer, in SQLite."""

import json
import secrets
import sqlite3
import threading
from dataclasses import dataclass
from typing import Any

TABLES = """
CREATE TABLE IF NOT EXISTS workspaces (
    name TEXT PRIMARY KEY, account_id TEXT UNIQUE, title TEXT, status TEXT
);
CREATE TABLE IF NOT EXISTS milestones (
    workspace TEXT, name TEXT, at TEXT, reported INTEGER DEFAULT 0, PRIMARY KEY (workspace, name)
);
CREATE TABLE IF NOT EXISTS reports (workspace TEXT, text TEXT);
CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, status INTEGER, answer TEXT);
"""

DELETIONS = (
    "DELETE FROM workspaces WHERE name = ?",
    "DELETE FROM milestones WHERE workspace = ?",
    "DELETE FROM reports WHERE workspace = ?",
)

OF_ACCOUNT = "SELECT name, account_id, title, status FROM workspaces WHERE account_id = ?"
OF_NAME = "SELECT name, account_id, title, status FROM workspaces WHERE name = ?"
REACHED = "SELECT name FROM milestones WHERE workspace = ? ORDER BY rowid"
WRITTEN = "SELECT text FROM reports WHERE workspace = ? ORDER BY rowid"

Answer = tuple[int, dict[str, Any]]
"""The status and the JSON of an answer to the provisioner's caller."""


@dataclass(frozen=True)
class Workspace:
    """What one customer has. `status` is `ready` or `suspended`."""

    name: str
    account_id: str
    title: str
    status: str
    milestones: frozenset[str]
    reports: tuple[str, ...]


class Workspaces:
    """All workspaces. Threads may share it."""

    def __init__(self, path: str = ":memory:") -> None:
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(TABLES)
        self._lock = threading.RLock()

    def provision(self, told: dict[str, Any], base: str) -> Answer:
        """Carry out a request of Billhook's, and remember the answer in the same transaction: a
        request that comes again changes nothing, and gets the answer that was lost.
        """
        with self._lock, self._database as database:
            rows = database.execute(
                "SELECT status, answer FROM requests WHERE id = ?", (told["request_id"],)
            )
            if known := rows.fetchone():
                return known[0], json.loads(known[1])
            status, answer = self._carry_out(told["action"], told["account"], base)
            database.execute(
                "INSERT INTO requests VALUES (?, ?, ?)",
                (told["request_id"], status, json.dumps(answer)),
            )
            return status, answer

    def _carry_out(self, action: str, account: dict[str, Any], base: str) -> Answer:
        known = self._one(OF_ACCOUNT, account["id"])
        if action == "create" and known is None:
            # The name cannot be guessed, and tells nobody who the customer is.
            name = secrets.token_urlsafe(12)
            title = account["name"] or "Your workspace"
            self._database.execute(
                "INSERT INTO workspaces VALUES (?, ?, ?, 'ready')", (name, account["id"], title)
            )
            return 200, {"status": "ready", "url": f"{base}/w/{name}"}
        if known is None:
            return 404, {"error": "There is no workspace of this account."}
        if action == "delete":
            for statement in DELETIONS:
                self._database.execute(statement, (known.name,))
            return 200, {"status": "deleted"}
        status = "suspended" if action == "suspend" else "ready"
        self._database.execute(
            "UPDATE workspaces SET status = ? WHERE name = ?", (status, known.name)
        )
        return 200, {"status": status, "url": f"{base}/w/{known.name}"}

    def find(self, name: str) -> Workspace | None:
        """The workspace of that name."""
        with self._lock:
            return self._one(OF_NAME, name)

    def all(self) -> list[dict[str, str]]:
        """The account and the status of each workspace, by account."""
        with self._lock:
            rows = self._database.execute(
                "SELECT account_id, status FROM workspaces ORDER BY account_id"
            )
            return [{"account_id": id, "status": status} for id, status in rows]

    def reach(self, workspace: Workspace, milestone: str, at: str) -> None:
        """Note that the customer did something, the first time that they did."""
        with self._lock, self._database as database:
            database.execute(
                "INSERT OR IGNORE INTO milestones (workspace, name, at) VALUES (?, ?, ?)",
                (workspace.name, milestone, at),
            )

    def unreported(self, workspace: Workspace) -> list[tuple[str, str]]:
        """The milestones that Billhook has not heard of, each with its time."""
        with self._lock:
            rows = self._database.execute(
                "SELECT name, at FROM milestones WHERE workspace = ? AND NOT reported",
                (workspace.name,),
            )
            return [(name, at) for name, at in rows]

    def reported(self, workspace: Workspace, milestone: str) -> None:
        """Billhook has heard of it."""
        with self._lock, self._database as database:
            database.execute(
                "UPDATE milestones SET reported = 1 WHERE workspace = ? AND name = ?",
                (workspace.name, milestone),
            )

    def write(self, workspace: Workspace, text: str) -> None:
        """Keep a report."""
        with self._lock, self._database as database:
            database.execute("INSERT INTO reports VALUES (?, ?)", (workspace.name, text))

    def _one(self, query: str, value: str) -> Workspace | None:
        row = self._database.execute(query, (value,)).fetchone()
        if row is None:
            return None
        name, account_id, title, status = row
        reached = frozenset(self._all(REACHED, name))
        return Workspace(name, account_id, title, status, reached, tuple(self._all(WRITTEN, name)))

    def _all(self, query: str, name: str) -> list[str]:
        return [value for (value,) in self._database.execute(query, (name,))]
