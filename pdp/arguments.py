"""Whether the arguments of a call fit their tool's JSON Schema.

Fails closed: a schema that cannot be compiled and a validator that breaks are findings too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import jsonschema_rs

from pdp.domain.catalogue import escape
from pdp.domain.facts import ArgumentsFinding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pdp.domain.canonical import JsonValue
    from pdp.domain.catalogue import Catalogue, Tool
    from pdp.domain.facts import CheckArguments

#: A finding is shown to operators and kept in the log; validators quote the whole value.
MAX_PROBLEM_CHARS: Final = 300

#: Enough for any honest pattern over one argument, and a few milliseconds at worst.
_BACKTRACK_LIMIT: Final = 100_000


def argument_checker(catalogue: Catalogue) -> CheckArguments:
    """A check of arguments against the schemas of `catalogue`, each compiled once.

    The check returns None where the arguments fit, and otherwise the first finding: the RFC 6901
    pointer to what does not fit, and why. It raises nothing. The draft follows `$schema`, without
    one it is 2020-12, as MCP says. Formats are not asserted: their implementations disagree.
    References are resolved inside the schema only.
    """
    validators: dict[tuple[str, str], jsonschema_rs.Validator | str] = {
        (tool.server, tool.name): _compile(tool.arguments_schema) for tool in catalogue
    }

    def check(tool: Tool, arguments: Mapping[str, JsonValue]) -> ArgumentsFinding | None:
        validator = validators.get((tool.server, tool.name), "the tool has no schema")
        if isinstance(validator, str):
            return ArgumentsFinding("", f"the tool's schema cannot be used: {validator}")
        return _first_finding(validator, arguments)

    return check


def _compile(schema: Mapping[str, JsonValue]) -> jsonschema_rs.Validator | str:
    """A validator, or what is wrong with the schema."""
    fault = ""
    # Patterns in linear time where the engine can; look-around needs the one that backtracks.
    for patterns in (
        jsonschema_rs.RegexOptions(),
        jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACK_LIMIT),
    ):
        try:
            return jsonschema_rs.validator_for(
                dict(schema), validate_formats=False, offline=True, pattern_options=patterns
            )
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            fault = _brief(getattr(error, "message", "") or type(error).__name__)
    return fault


def _first_finding(
    validator: jsonschema_rs.Validator, arguments: Mapping[str, JsonValue]
) -> ArgumentsFinding | None:
    try:
        instance = dict(arguments)
        if validator.is_valid(instance):
            return None
        for error in validator.iter_errors(instance):
            path = "".join(f"/{escape(str(step))}" for step in error.instance_path)
            return ArgumentsFinding(path, _brief(error.message))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        return ArgumentsFinding("", "the arguments cannot be checked")
    return ArgumentsFinding("", "the arguments do not fit the schema")


def _brief(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= MAX_PROBLEM_CHARS else line[: MAX_PROBLEM_CHARS - 1] + "…"
