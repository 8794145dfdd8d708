package pdp.main

# METADATA
# title: The explanation
# description: |
#   The decision, and what every rule of the manifest says about the call: also those that pass, and
#   those in shadow. A rule that is off is listed and not evaluated. For people who ask why; nothing
#   here takes part in a decision.
# entrypoint: true
explanation := {
	"decision": decision,
	"rules": array.concat(
		[said_by(id, rule, mode) |
			some mode in ["enforce", "shadow"]
			some id, rule in data.pdp.manifest[mode]
		],
		[about(id, "off", {"result": ""}) | some id in object.keys(data.pdp.manifest.off)],
	),
}

# A rule without a verdict denies, as in the decision.
said_by(id, rule, mode) := about(id, mode, said) if {
	said := data[rule.root].rules[rule.name].verdict
	is_object(said)
} else := about(id, mode, {
	"result": "deny",
	"code": "policy_error",
	"message": "the rule has no verdict for this input",
})

about(id, mode, said) := {
	"rule": id,
	"mode": mode,
	"grants": id in data.pdp.manifest.grants,
	"result": object.get(said, "result", "deny"),
	"code": object.get(said, "code", ""),
	"message": object.get(said, "message", ""),
	"agent_message": object.get(said, "agent_message", ""),
	"remediation": object.get(said, "remediation", ""),
	"controls": object.get(said, "controls", []),
	"metadata": object.get(said, "metadata", {}),
}
