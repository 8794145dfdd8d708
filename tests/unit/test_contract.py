"""The numbers, names and types that clients were built with still hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

# Each field as name=number:type, with `*` for repeated. Adding is free; what stands here is not
# renamed, renumbered or retyped, because clients in the field would misread what they are told.
MESSAGES = {
    "AuthorizeRequest": """request_id=1:string subject=2:Subject action=3:Action
        resource=4:Resource context=5:Context on_behalf_of=7:Subject outcomes=8:Outcome*""",
    "Subject": "type=1:string id=2:string properties=3:Struct issuer=4:string",
    "Action": "name=1:string arguments_json=2:bytes server=3:string schema_digest=4:string",
    "Resource": "type=1:string id=2:string sensitivity=3:Sensitivity properties=4:Struct",
    "Context": "task_id=1:string intent=2:Intent signals=4:Struct session_id=5:string",
    "Intent": "goal=1:string tools=2:string* resources=3:string* max_sensitivity=4:Sensitivity",
    "AuthorizeResponse": """decision=1:Decision reasons=2:Reason* obligations=3:Obligation*
        decision_id=4:string request_id=5:string policy_revision=6:string
        approval=7:ApprovalReference arguments_digest=9:string task=10:TaskReference
        evaluated_at=11:Timestamp valid_until=12:Timestamp receipt=13:Receipt
        next_action=14:NextAction binding_digest=15:string canonical_arguments=16:bytes
        replayed=17:bool""",
    "Reason": """code=1:string message=2:string rule=3:string remediation=4:string
        controls=5:string* metadata=6:MetadataEntry* agent_message=7:string""",
    "Obligation": "id=1:string type=2:string properties=3:Struct",
    "ApprovalReference": "id=1:string state=2:ApprovalState expires_at=3:Timestamp url=4:string",
    "TaskReference": """id=1:string sequence=2:int64 phase=3:Phase state=4:TaskState
        registered=5:bool""",
    "Receipt": "log_id=1:string leaf_index=2:int64 leaf_hash=3:bytes",
    "Outcome": """decision_id=1:string status=2:OutcomeStatus output=3:bytes
        output_media_type=4:string""",
    "AuthorizeBatchRequest": "requests=1:AuthorizeRequest*",
    "AuthorizeBatchResponse": "responses=1:AuthorizeResponse*",
    "ReportOutcomeRequest": "outcomes=1:Outcome*",
    "ReportOutcomeResponse": "task=1:TaskReference receipts=2:Receipt* truncated=3:bool*",
    "StartTaskRequest": """request_id=1:string task_id=2:string subject=3:Subject
        on_behalf_of=4:Subject intent=5:Intent phase=6:Phase ttl=7:Duration budget=8:Budget""",
    "StartTaskResponse": "task=1:Task authorization=2:AuthorizeResponse",
    "AppendContextRequest": """request_id=1:string task_id=2:string source=3:string trust=4:Trust
        content=5:bytes""",
    "AppendContextResponse": "task=1:TaskReference authorization=2:AuthorizeResponse",
    "ChangePhaseRequest": """request_id=1:string task_id=2:string phase=3:Phase reason=4:string
        plan=5:PlannedCall*""",
    "ChangePhaseResponse": "task=1:Task authorization=2:AuthorizeResponse",
    "PlannedCall": "action=1:Action resource=2:Resource",
    "DelegateTaskRequest": """request_id=1:string task_id=2:string subject=3:Subject
        on_behalf_of=4:Subject intent=5:Intent phase=6:Phase ttl=7:Duration budget=8:Budget
        parent_task_id=9:string""",
    "DelegateTaskResponse": "task=1:Task authorization=2:AuthorizeResponse",
    "RevokeRequest": """request_id=1:string task_id=2:string subject=3:Subject
        on_behalf_of=4:Subject caller=5:Subject server=6:string tool=7:string all=8:bool
        reason=9:string until=10:Timestamp grant_id=11:string""",
    "RevokeResponse": "authorization=2:AuthorizeResponse",
    "GetTaskRequest": "task_id=1:string",
    "GetTaskResponse": "task=1:Task",
    "CompleteTaskRequest": "request_id=1:string task_id=2:string",
    "CompleteTaskResponse": "authorization=2:AuthorizeResponse",
    "ListTasksRequest": "page_size=1:int32 page_token=2:string",
    "ListTasksResponse": "tasks=1:Task* next_page_token=2:string",
    "Budget": "max_calls=1:int64 max_effects=2:int64",
    "Task": """id=1:string subject=2:Subject on_behalf_of=3:Subject intent=4:Intent phase=5:Phase
        state=6:TaskState budget=7:Budget sequence=8:int64 started_at=9:Timestamp
        expires_at=10:Timestamp parent_id=11:string registered=12:bool""",
    "GetApprovalRequest": "approval_id=1:string",
    "CancelApprovalRequest": "approval_id=1:string",
    "ListApprovalsRequest": "page_size=1:int32 page_token=2:string open_only=3:bool",
    "ListApprovalsResponse": "approvals=1:Approval* next_page_token=2:string",
    "ListGrantsRequest": "page_size=1:int32 page_token=2:string",
    "WaitApprovalRequest": "approval_id=1:string max_wait=2:Duration",
    "GetApprovalResponse": "approval=1:Approval",
    "CancelApprovalResponse": "approval=1:Approval",
    "DecideApprovalResponse": "approval=1:Approval",
    "WaitApprovalResponse": "approval=1:Approval",
    "WatchApprovalsResponse": "approval=1:Approval",
    "Approval": """id=1:string state=2:ApprovalState decision_id=3:string task=4:Task
        subject=5:Subject on_behalf_of=6:Subject action=7:Action resource=8:Resource sinks=9:Sink*
        reasons=10:Reason* votes=11:Vote* votes_needed=12:int32 expires_at=13:Timestamp
        recent=14:LedgerEntry* binding_digest=15:string""",
    "Sink": "path=1:string value=2:string origin=3:string source_decision_id=4:string",
    "DecideApprovalRequest": """approval_id=1:string verdict=2:Verdict reason=3:string
        grant=4:Grant request_id=5:string""",
    "Grant": "max_uses=1:int32 ttl=2:Duration constraints=3:ArgumentConstraint*",
    "ArgumentConstraint": "path=1:string values=2:string* patterns=3:string*",
}

# Each enum's values in order of their numbers, from 0 on, without the enum's name before them.
ENUMS = {
    "Decision": "UNSPECIFIED ALLOW DENY ESCALATE",
    "Sensitivity": "UNSPECIFIED PUBLIC INTERNAL CONFIDENTIAL RESTRICTED",
    "NextAction": "UNSPECIFIED NONE RETRY WAIT_FOR_APPROVAL",
    "OutcomeStatus": "UNSPECIFIED SUCCEEDED FAILED NOT_EXECUTED",
    "Trust": "UNSPECIFIED PRINCIPAL TRUSTED UNTRUSTED",
    "Phase": "UNSPECIFIED PLAN PREPARE EXECUTE",
    "TaskState": "UNSPECIFIED ACTIVE COMPLETED REVOKED EXPIRED",
    "ApprovalState": "UNSPECIFIED PENDING APPROVED DENIED EXPIRED CANCELLED RESERVED CONSUMED",
    "Verdict": "UNSPECIFIED APPROVE DENY",
}

SERVICES = {
    "AuthorizationService": "Authorize AuthorizeBatch ReportOutcome FilterTools Explain",
    "TaskService": """StartTask GetTask ListTasks ChangePhase AppendContext DelegateTask
        CompleteTask Revoke""",
    "ApprovalService": """GetApproval ListApprovals DecideApproval CancelApproval WaitApproval
        WatchApprovals ListGrants""",
}

# Numbers that a later version fills; another use would be misread by clients of that version.
FREE = {"AuthorizeRequest": 6, "AuthorizeResponse": 8, "Context": 3}

SCALARS = {
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "bytes",
    FieldDescriptor.TYPE_BOOL: "bool",
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
}


@pytest.fixture(scope="module")
def pool(root: Path, tmp_path_factory: pytest.TempPathFactory) -> DescriptorPool:
    """What plain protoc makes of `proto/`, with nothing to import but its own google/protobuf."""
    made = tmp_path_factory.mktemp("proto") / "contract.pb"
    files = sorted(
        path.relative_to(root / "proto").as_posix() for path in root.glob("proto/**/*.proto")
    )
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", "--include_imports"]
    subprocess.run(
        [*command, f"--descriptor_set_out={made}", *files],
        cwd=root / "proto",
        check=True,
        timeout=60,
    )
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(made.read_bytes()).file:
        pool.Add(file)
        assert file.name.startswith(("pdp/v1/", "google/protobuf/"))
    return pool


def fields_of(message: Descriptor) -> set[str]:
    """Every field as `MESSAGES` writes it."""

    def written(field: FieldDescriptor) -> str:
        named = field.message_type or field.enum_type
        kind = named.name if named else SCALARS[field.type]
        return f"{field.name}={field.number}:{kind}{'*' * field.is_repeated}"

    return {written(field) for field in message.fields}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_keeps_its_fields(pool: DescriptorPool, name: str) -> None:
    message = pool.FindMessageTypeByName(f"pdp.v1.{name}")
    assert set(MESSAGES[name].split()) - fields_of(message) == set()


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_keeps_its_values(pool: DescriptorPool, name: str) -> None:
    enum = pool.FindEnumTypeByName(f"pdp.v1.{name}")
    prefix = "".join(f"_{c}" if c.isupper() else c for c in name).removeprefix("_").upper()
    wanted = {f"{prefix}_{value}": n for n, value in enumerate(ENUMS[name].split())}
    assert {value.name: value.number for value in enum.values} == wanted


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_keeps_its_calls(pool: DescriptorPool, name: str) -> None:
    service = pool.FindServiceByName(f"pdp.v1.{name}")
    calls = {m.name: (m.input_type.name, m.output_type.name) for m in service.methods}
    wanted = {call: (f"{call}Request", f"{call}Response") for call in SERVICES[name].split()}
    assert calls == wanted


@pytest.mark.parametrize("name", FREE)
def test_a_number_kept_for_later_is_free(pool: DescriptorPool, name: str) -> None:
    message = pool.FindMessageTypeByName(f"pdp.v1.{name}")
    assert FREE[name] not in {field.number for field in message.fields}


def test_a_revocation_selects_exactly_one_thing(pool: DescriptorPool) -> None:
    oneof = pool.FindMessageTypeByName("pdp.v1.RevokeRequest").oneofs_by_name["selector"]
    names = " ".join(field.name for field in oneof.fields)
    assert names == "task_id subject on_behalf_of caller server tool all grant_id"
