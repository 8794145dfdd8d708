# METADATA
# title: The decision
# description: |
#   Puts the verdicts of the manifest's rules together. Allow needs every enforced rule to pass or
#   not to apply, and one that grants to pass; anything else denies, or escalates where nothing
#   denies. A rule in shadow is listed and never decides.
# entrypoint: true
package pdp.main

default decision := {
	"decision": "deny",
	"reasons": [{
		"code": "policy_error",
		"message": "the rules of this bundle came to no decision",
		"agent_message": "The call could not be decided.",
		"remediation": "Look at the policy's rules: the combining rule had no value for this input.",
		"rule": "main",
		"controls": [],
		"metadata": {},
	}],
	"obligations": [],
	"escalation": null,
	"terms": null,
	"verdicts": {},
	"shadow": {},
}

decision := {
	"decision": "allow",
	"reasons": [reason(id, enforced[id]) | some id in granting],
	"obligations": [],
	"escalation": null,
	"terms": terms,
	"verdicts": results,
	"shadow": shadow,
} if {
	complete
	count(kinds - {"pass", "not_applicable"}) == 0
	count(granting) > 0
}

else := {
	"decision": "escalate",
	"reasons": [reason(id, enforced[id]) |
		some id, result in results
		result == "escalate"
	],
	"obligations": [],
	"escalation": escalation,
	"terms": null,
	"verdicts": results,
	"shadow": shadow,
} if {
	complete
	count(kinds - {"pass", "not_applicable", "escalate"}) == 0
	count(granting) > 0
	count(escalation.approvers) > 0
}

else := {
	"decision": "deny",
	"reasons": array.concat(faults, denials),
	"obligations": [],
	"escalation": null,
	"terms": null,
	"verdicts": results,
	"shadow": shadow,
} if {
	count(faults) + count(denials) > 0
}

else := {
	"decision": "deny",
	"reasons": [reason("main", {
		"code": "not_granted",
		"message": "no rule that grants covers this call",
		"agent_message": "This call is not possible.",
	})],
	"obligations": [],
	"escalation": null,
	"terms": null,
	"verdicts": results,
	"shadow": shadow,
} if {
	complete
	count(granting) == 0
}

rules := data.pdp.manifest.rules

# A mode that is neither of these two enforces.
silent := {"shadow", "off"}

enforced := {id: data[rule.root].rules[rule.name].verdict |
	some id, rule in rules
	not rule.mode in silent
}

results := {id: verdict.result | some id, verdict in enforced}

kinds := {result | some result in results}

# Whether every enforced rule has spoken.
complete if count(results) == count([id | some id, rule in rules; not rule.mode in silent])

granting := [id |
	some id, rule in rules
	rule.grants == true
	results[id] == "pass"
]

known_results := {"pass", "not_applicable", "escalate", "deny"}

# Rules that failed come first: what they would have said is not known.
faults := [reason(id, verdict) |
	some id, rule in rules
	not rule.mode in silent
	not spoken[id]
	verdict := {
		"code": "policy_error",
		"message": sprintf("rule %s has no verdict for this input", [id]),
		"agent_message": "The call could not be decided.",
		"remediation": "Fix the rule: it must be total, and its input is described in input.schema.json.",
	}
]

# The rules whose verdict is of a known kind and more than the default of a total rule.
spoken contains id if {
	some id, result in results
	result in known_results
	object.get(enforced[id], "code", "") != "policy_error"
}

denials := [reason(id, enforced[id]) |
	some id, result in results
	result == "deny"
	spoken[id]
]

reason(id, verdict) := {
	"code": verdict.code,
	"message": object.get(verdict, "message", ""),
	"agent_message": object.get(verdict, "agent_message", ""),
	"remediation": object.get(verdict, "remediation", ""),
	"rule": id,
	"controls": object.get(verdict, "controls", []),
	"metadata": object.get(verdict, "metadata", {}),
}

default terms := null

terms := enforced.task_actions.terms

shadow := {id: result |
	some id, rule in rules
	rule.mode == "shadow"
	result := object.get(data[rule.root].rules[rule.name].verdict, "result", "deny")
}

# The strictest of what the escalating rules ask for.
escalation := {
	"approvers": [role |
		some role in standard.approvers
		every asked in approvals {
			role in object.get(asked, "approvers", [role])
		}
	],
	"needed": max({asked.needed | some asked in approvals} | {standard.needed}),
	"ttl_s": min({asked.ttl_s | some asked in approvals} | {standard.ttl_s}),
}

standard := data.pdp.parameters.approval

approvals := [verdict.approval |
	some id, verdict in enforced
	results[id] == "escalate"
]
