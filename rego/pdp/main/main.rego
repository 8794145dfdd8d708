# METADATA
# title: The decision
# description: |
#   Puts the verdicts of the manifest's rules together. Allow needs every enforced rule to pass or
#   not to apply, and one of those that grant to pass; anything else denies, or escalates where
#   nothing denies. A rule in shadow is listed and never decides.
package pdp.main

default decision := {
	"decision": "deny",
	"reasons": [{
		"code": "policy_error",
		"message": "the rules came to no decision for this input",
		"agent_message": "The call could not be decided.",
		"remediation": "Compare the input with input.schema.json and the bundle's manifest with its rules.",
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

# METADATA
# entrypoint: true
decision := {
	"decision": "allow",
	"reasons": granting,
	"obligations": [],
	"escalation": null,
	"terms": terms,
	"verdicts": results,
	"shadow": shadow,
} if {
	complete
	spoken - {"pass", "not_applicable"} == set()
	granting != []
}

else := {
	"decision": "escalate",
	"reasons": [reason(id, verdict(id)) | some id, "escalate" in results],
	"obligations": [],
	"escalation": escalation,
	"terms": null,
	"verdicts": results,
	"shadow": shadow,
} if {
	complete
	count(spoken - {"pass", "not_applicable", "escalate"}) == 0
	count(faults) == 0
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
	"reasons": [{
		"code": "not_granted",
		"message": "no rule that grants covers this call",
		"agent_message": "This call is not possible.",
		"remediation": "Check that a rule that grants is enforced and applies to this kind of call.",
		"rule": "main",
		"controls": [],
		"metadata": {},
	}],
	"obligations": [],
	"escalation": null,
	"terms": null,
	"verdicts": results,
	"shadow": shadow,
} if {
	complete
	count(granting) == 0
}

enforced := data.pdp.manifest.enforce

verdict(id) := data[enforced[id].root].rules[enforced[id].name].verdict

results := {id: data[rule.root].rules[rule.name].verdict.result | some id, rule in enforced}

# What the enforced rules say, taken together.
spoken := {result | some result in results}

# Whether every enforced rule has spoken.
complete if count(results) == count(enforced)

granting := [reason(id, said) |
	some id in data.pdp.manifest.grants
	results[id] == "pass"
	rule := enforced[id]
	said := data[rule.root].rules[rule.name].verdict
]

# Those that do not let the call go on.
loud := {id |
	some result in (spoken - {"pass", "not_applicable"})
	some id in object.keys(results)
	results[id] == result
}

denials := [reason(id, verdict(id)) |
	some id in loud
	results[id] == "deny"
	sound(id)
]

# A rule without a verdict, with an unknown one, or left with the default of a total rule. What it
# would have said is not known, so this comes first.
faults := [fault(id) | some id in (silent | {id | some id in loud; not sound(id)})]

silent := object.keys(enforced) - object.keys(results)

sound(id) if {
	results[id] in {"escalate", "deny"}
	verdict(id).code != "policy_error"
}

fault(id) := {
	"code": "policy_error",
	"message": sprintf("rule %s has no verdict for this input", [id]),
	"agent_message": "The call could not be decided.",
	"remediation": "Fix the rule, or the input that it reads: see input.schema.json.",
	"rule": id,
	"controls": [],
	"metadata": {},
}

reason(id, said) := object.union_n([
	{"message": "", "agent_message": "", "remediation": "", "controls": [], "metadata": {}},
	object.filter(said, ["code", "message", "agent_message", "remediation", "controls", "metadata"]),
	{"rule": id},
]) if {
	said.code
}

default terms := null

terms := verdict("task_actions").terms if input.tool.builtin == true

shadow := {id: result |
	some id, rule in data.pdp.manifest.shadow
	result := object.get(data[rule.root].rules[rule.name], ["verdict", "result"], "deny")
}

# The strictest of what the escalating rules ask for.
escalation := {
	"approvers": [role |
		some role in standard.approvers
		every asked in asked_for {
			role in object.get(asked, "approvers", [role])
		}
	],
	"needed": max(bounds("needed")),
	"ttl_s": min(bounds("ttl_s")),
	"use_s": min(bounds("use_s")),
	"max_uses": min(bounds("max_uses")),
	"max_ttl_s": min(bounds("max_ttl_s")),
}

# A text is greater than every number, and the least of both would be the looser one.
bounds(key) := found if {
	found := {asked[key] | some asked in asked_for} | {standard[key]}
	every bound in found {
		is_number(bound)
	}
}

standard := data.pdp.parameters.approval

asked_for := [verdict(id).approval | some id, "escalate" in results]
