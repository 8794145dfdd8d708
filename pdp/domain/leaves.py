"""What the log says: the bodies of its leaves, and what a decision is bound to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from pdp.domain.builtin import identity
from pdp.domain.canonical import JsonValue, canonical
from pdp.domain.merkle import leaf_hash
from pdp.domain.records import Leaf
from pdp.domain.task import Task
from pdp.domain.values import Caller, Sensitivity, Subject

#: The version of the leaf bodies written here.
LEAF_VERSION = 1


def binding_digest(
    *,
    task_id: str,
    subject: Subject,
    principal: Subject,
    server: str,
    tool: str,
    definition_digest: str,
    resource_type: str,
    resource_id: str,
    sensitivity: Sensitivity,
    arguments: bytes,
) -> str:
    """What approvals and permits are bound to, `sha256:<hex>`: one changed byte is another call.

    `arguments` are the canonical arguments.
    """
    document: dict[str, JsonValue] = {
        "task": task_id,
        "subject": identity(subject),
        "principal": identity(principal),
        "server": server,
        "tool": tool,
        "definition": definition_digest,
        "resource": {"type": resource_type, "id": resource_id},
        "sensitivity": int(sensitivity),
        "arguments": "sha256:" + hashlib.sha256(arguments).hexdigest(),
    }
    return "sha256:" + hashlib.sha256(canonical(document)).hexdigest()


def input_commitment(nonce: bytes, body: bytes) -> str:
    """The log's commitment to an input document: it can be erased without breaking the log."""
    return hashlib.sha256(nonce + body).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened, before it has a place: the kind of leaf and its own members."""

    kind: str
    at_us: int
    caller: Caller
    members: dict[str, JsonValue]


def write_leaf(entry: Entry, task: Task | None) -> tuple[Leaf, Task | None]:
    """The leaf for `entry`, and the task with it as its newest.

    A task's leaves form a chain of their own: each carries the task's count and the hash of the
    one before, so that a task's story can be checked without the rest of the log.
    """
    body: dict[str, JsonValue] = {
        "v": LEAF_VERSION,
        "kind": entry.kind,
        "at": entry.at_us,
        "caller": identity(entry.caller.identity),
        "task": "",
        **entry.members,
    }
    if task is None:
        raw = canonical(body)
        return Leaf(hash=leaf_hash(raw), body=raw, kind=entry.kind), None
    sequence = task.sequence + 1
    body["task"] = task.id
    body["seq"] = sequence
    body["prev"] = task.last_leaf.hex()
    raw = canonical(body)
    leaf = Leaf(hash=leaf_hash(raw), body=raw, kind=entry.kind, task_id=task.id, sequence=sequence)
    return leaf, replace(task, sequence=sequence, last_leaf=leaf.hash)
