"""The client for gateways and agent runtimes: ask before a call, act only on a yes, report after.

with AuthorizationClient("unix:pdp-data/pdp.sock", subject="spiffe://example.org/agent") as pdp:
    task = pdp.start_task("Send bob@example.com the minutes", on_behalf_of="alice@example.com",
                          phase=Phase.EXECUTE)
    sent = pdp.guarded_call("send_email", {"recipients": ["bob@example.com"], "body": "…"},
                            send_email, task_id=task.id)
"""

from pdp.client.aio import AsyncAuthorizationClient
from pdp.client.approval import Approval, ApprovalFailed, Constraint, GrantTerms, LiveGrant
from pdp.client.blocking import AuthorizationClient
from pdp.client.verdict import (
    CallDenied,
    CallEscalated,
    NotAllowed,
    ReportFailed,
    StartedTask,
    Verdict,
)
from pdp.domain.values import (
    ApprovalState,
    Budget,
    Decision,
    Intent,
    OutcomeStatus,
    Phase,
    Reason,
    Resource,
    Sensitivity,
    Subject,
    Trust,
)

__all__ = [
    "Approval",
    "ApprovalFailed",
    "ApprovalState",
    "AsyncAuthorizationClient",
    "AuthorizationClient",
    "Budget",
    "CallDenied",
    "CallEscalated",
    "Constraint",
    "Decision",
    "GrantTerms",
    "Intent",
    "LiveGrant",
    "NotAllowed",
    "OutcomeStatus",
    "Phase",
    "Reason",
    "ReportFailed",
    "Resource",
    "Sensitivity",
    "StartedTask",
    "Subject",
    "Trust",
    "Verdict",
]
