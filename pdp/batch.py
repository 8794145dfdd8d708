"""A batch before it is decided: what it needs to know, and which of its calls wait for others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pdp.admit import Admitted
from pdp.domain.catalogue import Catalogue, Found
from pdp.domain.request import Authorize, CancelApproval, CompleteTask, DecideApproval, RevokeTask
from pdp.domain.task import rollup_keys
from pdp.overlay import Overlay
from pdp.ports import Wanted
from pdp.resolve import task_id_of
from pdp.standing import answers_of


def waves(
    admitted: Iterable[Admitted], overlay: Overlay, catalogue: Catalogue
) -> list[list[Admitted]]:
    """Calls in the order of arrival, those that share a key in successive waves."""
    arranged: list[list[Admitted]] = []
    free: dict[str, int] = {}
    for one in admitted:
        keys = _order_keys(one, overlay, catalogue)
        place = max((free.get(key, 0) for key in keys), default=0)
        if place == len(arranged):
            arranged.append([])
        arranged[place].append(one)
        for key in keys:
            free[key] = place + 1
    return arranged


def _order_keys(one: Admitted, overlay: Overlay, catalogue: Catalogue) -> set[str]:
    keys = {"task\x1e" + key for key in _task_ids(one, overlay)}
    if one.request_key is not None:
        keys.add("request\x1e" + repr(one.request_key))
    ask = one.call.ask
    if isinstance(ask, Authorize):
        found = catalogue.find(ask.action.server, ask.action.name)
        if isinstance(found, Found) and found.tool.has_effect:
            task = overlay.tasks.get(task_id_of(one.call, overlay))
            principal = task.owner if task else (ask.on_behalf_of or ask.subject)
            keys.add("effect\x1e" + principal.key)
    return keys


def _task_ids(one: Admitted, overlay: Overlay) -> set[str]:
    ids = {
        overlay.decisions[outcome.decision_id].task_id
        for outcome in getattr(one.call.ask, "outcomes", ())
        if outcome.decision_id in overlay.decisions
    }
    ids.add(task_id_of(one.call, overlay))
    ids.discard("")
    return ids


def require_batch(admitted: Sequence[Admitted], overlay: Overlay) -> None:
    """Read what the batch needs: first what its requests name, then what those lead to."""
    asks = [one.call.ask for one in admitted]
    overlay.require(
        Wanted(
            tasks=frozenset(task_id_of(one.call, overlay) for one in admitted) - {""},
            requests=frozenset(one.request_key for one in admitted if one.request_key),
            decisions=frozenset(
                outcome.decision_id for ask in asks for outcome in getattr(ask, "outcomes", ())
            ),
            approvals=frozenset(getattr(ask, "approval_id", "") for ask in asks) - {""},
            grants=frozenset(getattr(ask, "grant_id", "") for ask in asks) - {""},
        )
    )
    answers = frozenset(one.answered_by for one in overlay.decisions.values()) - {""}
    for request in overlay.requests.values():
        answers |= answers_of(request.answer)
    ending = frozenset(
        task_id_of(one.call, overlay)
        for one in admitted
        if isinstance(one.call.ask, CompleteTask | RevokeTask)
    )
    changing = frozenset(
        task_id_of(one.call, overlay)
        for one in admitted
        if isinstance(one.call.ask, DecideApproval | CancelApproval)
    )
    overlay.require(
        Wanted(
            tasks=frozenset(key for one in admitted for key in _task_ids(one, overlay)),
            approvals=answers,
            grants=answers,
            questions=ending,
            grants_of=(ending | changing) - {""},
        )
    )
    keys: set[str] = set()
    for task in overlay.tasks.values():
        keys.update(task.rollup_keys)
    for one in admitted:
        ask = one.call.ask
        if isinstance(ask, Authorize) and not ask.task_id:
            keys.update(rollup_keys(ask.subject, ask.on_behalf_of))
    overlay.require(Wanted(rollups=frozenset(keys)))
