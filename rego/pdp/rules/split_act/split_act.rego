# METADATA
# title: A large act is not split into small ones
# description: |
#   What one principal's tasks move in an hour, and how much they do in it that cannot be taken back,
#   stays within bounds, over all its tasks; beyond them a person is asked. A single act, however large,
#   is no split: other rules judge it.
# custom:
#   controls:
#     - ASI02
#     - ASI08
#     - NIST SP 800-207 2.1 tenet 7
#     - MAESTRO L4
#   codes:
#     - split_act
package pdp.rules.split_act

import data.pdp.lib.call
import data.pdp.lib.result

# Bounds are compared by subtracting: null is less than every number, and a string more, but neither
# can be subtracted.

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.call.final == false
	input.call.amount == 0
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "pass"} if {
	call.kind == "tool"
	is_boolean(input.call.final)
	amount_within
	finals_within
}

else := result.escalate(rego.metadata.chain(), "split_act", {
	"message": sprintf("this principal's tasks have done %d acts in this hour that cannot be taken back and moved %v; this one would move %v", [input.ledger.principal.hour_final, input.ledger.principal.hour_amount, input.call.amount]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Look at what was done in this hour; approve if this belongs to it, or raise the bounds.",
	"metadata": {
		"acts": sprintf("%d", [input.ledger.principal.hour_final]),
		"amount": sprintf("%v", [input.ledger.principal.hour_amount]),
	},
}) if {
	call.kind == "tool"
	is_boolean(input.call.final)
	is_number(input.ledger.principal.hour_final)
	is_number(input.ledger.principal.hour_amount)
	is_number(input.call.amount)
}

amount_within if input.call.amount == 0

amount_within if input.ledger.principal.hour_amount == 0

amount_within if {
	(data.pdp.parameters.split_act.amount_per_hour - input.ledger.principal.hour_amount) - input.call.amount >= 0
}

finals_within if input.call.final == false

finals_within if data.pdp.parameters.split_act.final_per_hour - input.ledger.principal.hour_final > 0
