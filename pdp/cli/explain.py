"""`pdp explain`: why a recorded decision is what it is, under this policy or another."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdp.cli.main import FAILED
from pdp.cli.task import DataOption
from pdp.cli.terminal import exact_moment, plain
from pdp.cli.verdicts import origins_json, print_origins, print_rules, rules_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdp.domain.explanation import Explanation
    from pdp.domain.values import Reason
    from pdp.recorded import Origin, Recorded


def explain(
    decision_id: Annotated[str, typer.Argument(metavar="DECISION_ID")],
    data: DataOption = Path("pdp-data"),
    bundle: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CANDIDATE",
            help="A bundle beside the built-in one, such as one that is not served yet; "
            "repeatable. [default: those of PDP_BUNDLES]",
        ),
    ] = None,
    as_test: Annotated[
        bool, typer.Option("--as-test", help="Print a Rego test that holds this decision.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON for programs.")] = False,
) -> None:
    """Say why a decision is what it is: every rule's verdict, and where each argument came from.

    The input that was decided on is evaluated again, under the built-in bundle and those given. It
    is read from the data folder and may run beside the service.
    """
    from pdp.recorded import origins, read_decision
    from pdp.store.reader import open_reader

    with open_reader(data) as reader:
        recorded = read_decision(decision_id, reader)
        document = json.loads(recorded.document) if recorded and recorded.document else {}
        found = origins(document, reader)
    if recorded is None:
        print(
            f"pdp: there is no decision {plain(decision_id)} in {plain(str(data))}; "
            "`pdp task show --json` shows those of a task",
            file=sys.stderr,
        )
        raise typer.Exit(FAILED)
    if not recorded.document:
        print(f"pdp: the input of {plain(decision_id)} was erased", file=sys.stderr)
        raise typer.Exit(FAILED)
    explanation, revision = _explained(recorded.document, bundle)
    if as_test:
        print(_as_test(recorded, explanation, document, revision, _root(bundle)), end="")
    elif as_json:
        print(json.dumps(_as_json(recorded, explanation, document, revision, found), indent=2))
    else:
        _print(recorded, explanation, revision, found)


def _explained(document: bytes, bundles: Sequence[Path] | None) -> tuple[Explanation, str]:
    """What policy says of an input document, and the revision of that policy."""
    from pdp.app import ENTRYPOINTS
    from pdp.bundle import check_rules
    from pdp.engine.binary import find_opa
    from pdp.engine.limits import MEBIBYTE, OpaLimits
    from pdp.engine.managed import ManagedOpa
    from pdp.policy_test import load_for_tests
    from pdp.preview import explain_all
    from pdp.settings import load_settings

    settings = load_settings()
    engine = ManagedOpa(
        find_opa(),
        limits=OpaLimits(
            evaluation_ms=settings.evaluation_deadline_ms,
            memory_bytes=settings.engine_memory_mib * MEBIBYTE,
        ),
    )
    try:
        bundle = load_for_tests(bundles or settings.bundles, entrypoints=ENTRYPOINTS).bundle
        engine.load(bundle.source, lambda rules: check_rules(bundle, rules))
        return explain_all([document], engine)[0], bundle.revision
    finally:
        engine.close()


def _print(
    recorded: Recorded, explanation: Explanation, revision: str, found: Sequence[Origin]
) -> None:
    for name, value in _facts(recorded, explanation, revision):
        print(f"{name:<14}{plain(value)}")
    print()
    if explanation.rules:
        print_rules(explanation.rules)
    if found:
        print()
        print_origins(found)


def _facts(
    recorded: Recorded, explanation: Explanation, revision: str
) -> Iterator[tuple[str, str]]:
    decision, policy = recorded.decision, explanation.policy
    caller = recorded.members.get("caller", {})
    yield "decision", f"{decision.id}: {decision.decision.value}"
    yield "reasons", _codes(recorded.reasons)
    yield "call", f"{decision.server}/{decision.tool}" if decision.server else decision.tool
    if decision.task_id:
        yield "task", f"{decision.task_id}, step {recorded.leaf.leaf.sequence}"
    yield "caller", f"{caller.get('type', '')} {caller.get('id', '')}"
    yield "time", exact_moment(decision.at_us)
    yield "log", f"leaf {recorded.leaf.index} of {recorded.log_id}"
    if revision == recorded.revision:
        yield "policy", f"{revision}, which decided"
    else:
        yield "policy", f"{revision}; it was decided under {recorded.revision}"
    yield "it says", f"{policy.decision.value}: {_codes(policy.reasons)}"
    if any(reason.rule == "invariant" for reason in recorded.reasons):
        yield "", "What denied is not a matter of policy: an invariant was broken."
    if decision.answered_by:
        yield "answered by", f"{decision.answered_by}: policy asked, and people had said yes"


def _codes(reasons: Iterable[Reason]) -> str:
    return ", ".join(f"{reason.code} ({reason.rule})" for reason in reasons)


def _as_json(
    recorded: Recorded,
    explanation: Explanation,
    document: dict[str, Any],
    revision: str,
    found: Sequence[Origin],
) -> dict[str, Any]:
    decision, policy = recorded.decision, explanation.policy
    return {
        "decision_id": decision.id,
        "decision": decision.decision.value,
        "reasons": [{"code": one.code, "rule": one.rule} for one in recorded.reasons],
        "task_id": decision.task_id,
        "sequence": recorded.leaf.leaf.sequence,
        "answered_by": decision.answered_by,
        "server": decision.server,
        "tool": decision.tool,
        "at": exact_moment(decision.at_us),
        "leaf_index": recorded.leaf.index,
        "revision": recorded.revision,
        "explained": {
            "revision": revision,
            "same_revision": revision == recorded.revision,
            "decision": policy.decision.value,
            "reasons": [
                {"code": one.code, "rule": one.rule, "message": one.message}
                for one in policy.reasons
            ],
            "rules": rules_json(explanation.rules),
        },
        "provenance": origins_json(found),
        "input": document,
    }


def _root(bundles: Sequence[Path] | None) -> str:
    """The root that a test of the candidate belongs to."""
    from pdp.bundle_content import BUILTIN_ROOT, read_content

    return read_content(bundles[-1]).root if bundles else BUILTIN_ROOT


def _as_test(
    recorded: Recorded,
    explanation: Explanation,
    document: dict[str, Any],
    revision: str,
    root: str,
) -> str:
    """A Rego test that holds what policy says of the recorded input."""
    policy = explanation.policy
    name = "test_" + re.sub(r"[^A-Za-z0-9]", "_", recorded.decision.id)
    codes = ", ".join(json.dumps(code) for code in sorted({one.code for one in policy.reasons}))
    was = f"{recorded.decision.decision.value} ({', '.join(o.code for o in recorded.reasons)})"
    lines = [
        f"package {root}.explained_test",
        "",
        "import data.pdp.main",
        "",
        f"# Decision {plain(recorded.decision.id)} was {plain(was)}",
        f"# under {plain(recorded.revision)};",
        f"# this is what {plain(revision)} says of its input.",
        f"{name} if {{",
        "\tdecided := main.decision with input as call",
        f'\tdecided.decision == "{policy.decision.value}"',
        f"\t{{reason.code | some reason in decided.reasons}} == {{{codes}}}",
        "}",
        "",
        # ASCII: what is invisible or drives a terminal is an escape here too.
        f"call := {json.dumps(document, indent=chr(9))}",
        "",
    ]
    return "\n".join(lines)
