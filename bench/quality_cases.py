"""Trace files: recorded tasks of agents, injections, and where an injection can stand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench.processes import BenchFailed

_MARKER: Final = re.compile(r"\{\{INJ:([^{}]*)\}\}")
#: Stands for the marker while an output is read as YAML, where braces mean something.
_STAND_IN: Final = "injected-text-goes-here"


@dataclass(frozen=True, slots=True)
class Call:
    """One recorded call. `marked` is its output with `{{INJ:vector}}` where a stranger can write.

    `failed` says that the tool answered with an error, which then is the output.
    """

    tool: str
    arguments: Mapping[str, Any]
    output: str
    marked: str = ""
    failed: bool = False

    @property
    def is_carrier(self) -> bool:
        """Whether a stranger can put text into what this call returns."""
        return _MARKER.search(self.marked) is not None

    def carrying(self, text: str) -> str:
        """The output with `text` at every marked place, written as the tool would have written it.

        An output that is the YAML or JSON of some records is read, filled and written again, so
        that the text is quoted and folded as any other; in every other output it stands as it is.
        """
        marked = _MARKER.sub(_STAND_IN, self.marked)
        for read, write in ((json.loads, _json), (yaml.safe_load, _yaml)):
            try:
                # Only what this writer reproduces exactly was written by one like it.
                if write(read(self.output)).strip() == self.output.strip():
                    return write(_filled(read(marked), text))
            except (ValueError, yaml.YAMLError):
                continue
        return marked.replace(_STAND_IN, text)


@dataclass(frozen=True, slots=True)
class UserTask:
    """What a person asked for, and the calls with which an agent did it."""

    id: str
    prompt: str
    calls: Sequence[Call]

    @property
    def carrier(self) -> int | None:
        """The first call whose output can hold an injection; None where none can."""
        return next((at for at, call in enumerate(self.calls) if call.is_carrier), None)


@dataclass(frozen=True, slots=True)
class InjectionTask:
    """What an attacker wants, in words, and the calls with which an agent would do it."""

    id: str
    goal: str
    calls: Sequence[Call]


@dataclass(frozen=True, slots=True)
class Suite:
    """One tool server with recorded tasks. `tools` are MCP definitions, as a server lists them.

    `silent` are the ids of user and injection tasks without recorded calls; they take no part.
    """

    name: str
    tools: Sequence[Mapping[str, Any]]
    user_tasks: Sequence[UserTask]
    injection_tasks: Sequence[InjectionTask]
    silent: Sequence[str] = ()


def load_suites(path: Path, only: Sequence[str] = (), limit: int | None = None) -> list[Suite]:
    """The suites of a trace file; of each at most `limit` user tasks.

    Raises:
        BenchFailed: the file cannot be read, has another shape, or lacks a suite that was asked
            for.
    """
    try:
        content = json.loads(path.read_text())
        listed: Mapping[str, Any] = content["suites"]
        unknown = sorted(set(only) - set(listed))
        if unknown:
            raise BenchFailed(
                f"{path} has no suite {', '.join(unknown)}; it has {', '.join(listed)}"
            )
        return [
            _suite(name, found, limit) for name, found in listed.items() if not only or name in only
        ]
    except OSError as fault:
        raise BenchFailed(f"{path} cannot be read: {fault.strerror}") from fault
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BenchFailed(f"{path} is not a trace file: {fault!r}") from fault


def _suite(name: str, found: Mapping[str, Any], limit: int | None) -> Suite:
    users = [
        UserTask(task["id"], task["prompt"], _calls(task["calls"])) for task in found["user_tasks"]
    ]
    injections = [
        InjectionTask(task["id"], task["goal"], _calls(task["calls"]))
        for task in found["injection_tasks"]
    ]
    return Suite(
        name,
        [_definition(tool) for tool in found["tools"]],
        [task for task in users if task.calls][:limit],
        [task for task in injections if task.calls],
        [
            *(task.id for task in users if not task.calls),
            *(task.id for task in injections if not task.calls),
        ],
    )


def _definition(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": tool["name"],
        "description": tool.get("description") or tool.get("docstring") or "",
        "inputSchema": tool["schema"],
    }


def _calls(recorded: Sequence[Mapping[str, Any]]) -> list[Call]:
    return [_call(one) for one in recorded]


def _call(one: Mapping[str, Any]) -> Call:
    # `placeholder_args` has names for what the agent has to look up first ("$email.body"); what it
    # then really sent is in `args`.
    arguments = one.get("args")
    if arguments is None:
        arguments = one.get("placeholder_args") or {}
    error = one.get("error")
    output = error or one.get("output") or ""
    return Call(
        tool=one["tool"],
        arguments=arguments,
        output=output if isinstance(output, str) else json.dumps(output),
        marked=one.get("output_marked") or "",
        failed=bool(error),
    )


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _yaml(value: object) -> str:
    if not isinstance(value, dict | list):
        raise ValueError("text that happens to read as YAML was not written by a YAML writer")
    return yaml.safe_dump(value, default_flow_style=False, allow_unicode=True)


def _filled(value: object, text: str) -> object:
    if isinstance(value, str):
        return value.replace(_STAND_IN, text)
    if isinstance(value, list):
        return [_filled(one, text) for one in value]
    if isinstance(value, dict):
        return {name: _filled(one, text) for name, one in value.items()}
    return value
