# METADATA
# title: Sample inputs for tests
# description: |
#   Whole inputs that the default bundle allows. A test says how its call differs:
#   `rule.verdict with input as sample.but(sample.send, {"task": {"phase": "plan"}})`.
package pdp.lib.sample_test

# METADATA
# description: The input with some of its values changed; objects are merged.
but(whole, changes) := object.union(whole, changes)

# METADATA
# description: The input without one of its keys, such as "task/state".
without(whole, path) := json.remove(whole, [path])

# METADATA
# description: A registered task in EXECUTE sends an e-mail.
send := {
	"schema": 1,
	"now_ns": 1764000000000000000,
	"settings": {"development": false},
	"caller": {
		"type": "service",
		"id": "gateway",
		"issuer": "",
		"roles": ["orchestrator", "pep"],
		"verified_by": "test",
	},
	"subject": {"type": "agent", "id": "spiffe://example.org/agent", "issuer": ""},
	"principal": {"type": "user", "id": "alice@example.org", "issuer": "https://id.example.org"},
	"task": {
		"known": true,
		"id": "t-1",
		"registered": true,
		"delegated": false,
		"state": "active",
		"phase": "execute",
		"sequence": 3,
		"intent": {
			"goal": "Send an e-mail to bob@example.org",
			"tools": [],
			"resources": [],
			"max_sensitivity": 0,
		},
		"intent_repinned": false,
		"budget": {"max_calls": 100, "max_effects": 20},
		"started_ns": 1763999990000000000,
		"expires_ns": 1764003590000000000,
	},
	"ledger": {"task": rollup, "pair": rollup, "principal": rollup},
	"tool": {
		"known": true,
		"ambiguous": false,
		"builtin": false,
		"server": "mail",
		"name": "send_email",
		"class": "send",
		"egress": true,
		"sensitivity": 2,
		"output": "trusted",
		"reversible": false,
		"moves_value": false,
		"ungrounded": [],
	},
	"call": {
		"arguments": {"recipients": ["bob@example.org"], "subject": "Lunch", "body": "At noon?"},
		"arguments_digest": digest,
		"binding_digest": digest,
		"amount": 0,
		"final": false,
	},
	"findings": {
		"arguments": {"valid": true, "path": "", "problem": ""},
		"definition": {"given": true, "changed": false},
		"resource": {"given": false, "contradicts": false},
		"task_exists": false,
	},
	"resource": {"type": "email", "id": "bob@example.org", "derived": true},
	"provenance": {
		"arguments": [
			argument("/recipients/0", "sink", "principal"),
			argument("/subject", "content", "unknown"),
			argument("/body", "content", "unknown"),
		],
		"output": "untrusted",
		"full": false,
		"led": "nothing",
		"led_before": false,
		"carries": [],
	},
	"goal": {
		"acts": ["send"],
		"negated": [],
		"delegates": false,
		"tool_acts": ["send"],
		"asked": true,
		"unsure": false,
		"about": true,
	},
	"sensitivity": 2,
	"approval": {
		"id": "",
		"state": "none",
		"grant": "",
		"approvers": [],
		"needed": 0,
		"voters": [],
		"party": false,
	},
	"plan": [],
	"asserted": {
		"subject_properties": {},
		"resource": {"type": "", "id": "", "sensitivity": 0, "properties": {}},
		"signals": {},
		"session_id": "",
	},
}

# METADATA
# description: The same task reads a file, within the server's own account.
read := but(send, {
	"tool": {
		"server": "files",
		"name": "read_file",
		"class": "read",
		"egress": false,
		"output": "untrusted",
		"reversible": true,
	},
	"call": {"arguments": {"path": "/reports/may.txt"}},
	"provenance": {"arguments": [argument("/path", "sink", "unknown")]},
	"goal": {"tool_acts": ["look"]},
	"resource": {"type": "path", "id": "/reports/may.txt"},
})

# METADATA
# description: The same task pays, which cannot be taken back.
pay := but(send, {
	"tool": {"server": "bank", "name": "send_money", "moves_value": true},
	"call": {
		"arguments": {"recipient": "DE75512108001245126199", "amount": 12},
		"amount": 12,
		"final": true,
	},
	"provenance": {"arguments": [
		argument("/recipient", "sink", "principal"),
		argument("/amount", "amount", "principal"),
	]},
	"goal": {"acts": ["pay"], "tool_acts": ["pay"]},
	"resource": {"type": "account", "id": "DE75512108001245126199"},
})

# METADATA
# description: A file is read in a task that nobody started.
unregistered_read := but(read, {"task": {
	"registered": false,
	"phase": "prepare",
	"budget": {"max_calls": 0, "max_effects": 0},
}})

# METADATA
# description: An orchestrator starts a task and leaves to policy what it can.
start_task := but(builtin("pdp.start_task"), {
	"task": {
		"known": false,
		"id": "",
		"registered": false,
		"state": "",
		"phase": "",
		"sequence": 0,
		"budget": {"max_calls": 0, "max_effects": 0},
		"started_ns": 0,
		"expires_ns": 0,
	},
	"call": {"arguments": {
		"task_id": "t-2",
		"subject": send.subject,
		"on_behalf_of": send.principal,
		"intent": send.task.intent,
		"phase": "",
		"ttl_s": 0,
		"budget": {"max_calls": 0, "max_effects": 0},
	}},
})

# METADATA
# description: An orchestrator moves a task from PLAN to EXECUTE.
change_phase := but(builtin("pdp.change_phase"), {
	"task": {"phase": "plan"},
	"call": {"arguments": {"task_id": "t-1", "phase": "execute", "reason": "", "plan": []}},
})

# METADATA
# description: An orchestrator vouches for material.
append_context := but(builtin("pdp.append_context"), {"call": {"arguments": {
	"task_id": "t-1",
	"source": "a message of the person",
	"trust": "principal",
	"content_digest": digest,
	"content_bytes": 12,
}}})

# METADATA
# description: A task is completed.
complete_task := but(builtin("pdp.complete_task"), {"call": {"arguments": {"task_id": "t-1"}}})

# METADATA
# description: A person who is no party says yes to a payment that somebody has to confirm.
decide_approval := but(builtin("pdp.decide_approval"), {
	"caller": {"type": "user", "id": "carol", "issuer": "https://id.example.org", "roles": ["approver"]},
	"call": {"arguments": {"approval_id": "a-1", "verdict": "approve", "reason": "", "grant": null}},
	"approval": {"id": "a-1", "state": "pending", "approvers": ["approver"], "needed": 1},
})

# METADATA
# description: The same person takes that question back.
cancel_approval := but(decide_approval, {
	"tool": {"name": "pdp.cancel_approval"},
	"call": {"arguments": {"approval_id": "a-1"}},
})

# METADATA
# description: An orchestrator stops a task.
revoke_task := but(builtin("pdp.revoke_task"), {"call": {"arguments": {"task_id": "t-1", "reason": ""}}})

# METADATA
# description: An orchestrator ends a grant.
revoke_grant := but(builtin("pdp.revoke_grant"), {"call": {"arguments": {"grant_id": "g-1", "reason": ""}}})

# METADATA
# description: An orchestrator moves a task from PLAN to EXECUTE, with a plan of two calls.
change_phase_with_plan := planning(change_phase, [
	{"server": "files", "tool": "read_file", "decision": "allow", "codes": ["within_intent"]},
	{"server": "bank", "tool": "send_money", "decision": "escalate", "codes": ["irreversible"]},
])

# METADATA
# description: A change of phase with another plan, given as policy sees it.
planning(call, plan) := but(call, {
	"plan": plan,
	"call": {"arguments": {"plan": [
	{"server": one.server, "tool": one.tool, "arguments": {}, "resource": ":"} |
		some one in plan
	]}},
})

# METADATA
# description: A call of a tool that no catalogue has.
unknown_tool := but(send, {"tool": {
	"known": false,
	"server": "",
	"name": "summon_demon",
	"class": "",
	"egress": false,
	"sensitivity": 1,
	"output": "untrusted",
}})

# METADATA
# description: A call in a task that nobody knows.
unknown_task := but(send, {"task": {
	"known": false,
	"id": "",
	"registered": false,
	"state": "",
	"phase": "",
}})

# METADATA
# description: A task deletes what the goal names, for ever.
delete := but(send, {
	"tool": {"server": "files", "name": "delete_file", "class": "write", "egress": false},
	"call": {"arguments": {"file_id": "f-17"}, "final": true},
	"provenance": {"arguments": [object.union(
		argument("/file_id", "identifier", "untrusted"),
		{"holds": "identifier", "exists": true, "named": true},
	)]},
	"goal": {"acts": ["delete"], "tool_acts": ["delete"]},
	"resource": {"type": "file", "id": "f-17"},
})

# METADATA
# description: |
#   Where an argument came from: its pointer, its kind in the catalogue and its origin.
argument(pointer, kind, origin) := {
	"pointer": pointer,
	"kind": kind,
	"holds": "text",
	"origin": origin,
	"source": "",
	"exists": false,
	"named": false,
	"pointed": false,
	"sensitivity": 0,
	"embedded": [],
	"more": false,
}

# METADATA
# description: The call with other arguments, as far as provenance sees them.
carrying(call, arguments) := but(call, {"provenance": {"arguments": arguments}})

builtin(name) := but(send, {
	"tool": {
		"builtin": true,
		"server": "pdp",
		"name": name,
		"class": "task",
		"egress": false,
		"sensitivity": 1,
		"reversible": true,
	},
	"call": {"arguments": {}},
	"provenance": {"arguments": []},
	"goal": {"acts": [], "tool_acts": [], "asked": true},
	"resource": {"type": "task", "id": "t-1"},
	"sensitivity": 1,
})

rollup := {
	"calls": 3,
	"effects": 1,
	"denials": 0,
	"escalations": 0,
	"untrusted": false,
	"sensitivity": 1,
	"minute_calls": 3,
	"minute_effects": 1,
	"reach": 1,
	"hour_escalations": 0,
	"hour_final": 0,
	"hour_amount": 0,
}

digest := "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
