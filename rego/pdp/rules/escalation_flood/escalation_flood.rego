# METADATA
# title: Nobody is flooded with questions
# description: |
#   A task may ask so many questions, and a principal's tasks so many in an hour. Beyond that a call or
#   a plan that would be another question is denied: a person who is asked all the time says yes. What
#   was asked before, and is open or approved, is no other question. A call under a live grant seldom
#   is one; to be sure, those stop at twice the task's bound. Development knows no hourly bound.
# custom:
#   controls:
#     - ASI09
#     - ASI10
#     - NIST SP 800-207 2.1 tenet 7
#     - MAESTRO L7
#   codes:
#     - escalation_flood
package pdp.rules.escalation_flood

import data.pdp.lib.call
import data.pdp.lib.result
import data.pdp.rules.goal
import data.pdp.rules.inferred
import data.pdp.rules.irreversible
import data.pdp.rules.outward_flow
import data.pdp.rules.phase
import data.pdp.rules.plan
import data.pdp.rules.privilege_growth
import data.pdp.rules.sinks
import data.pdp.rules.split_act

# Bounds are compared by subtracting: null is less than every number, and a string more, but neither
# can be subtracted.

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	data.pdp.parameters.escalation_flood.per_task - input.ledger.task.escalations > 0
	data.pdp.parameters.escalation_flood.per_hour - input.ledger.principal.hour_escalations > 0
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind == "unresolved"

else := {"result": "not_applicable"} if {
	call.kind == "builtin"
	is_string(input.tool.name)
	input.tool.name != "pdp.change_phase"
}

else := {"result": "pass"} if {
	may_be_a_question
	data.pdp.parameters.escalation_flood.per_task - input.ledger.task.escalations > 0
	within_the_hour
}

else := {"result": "pass"} if {
	may_be_a_question
	input.approval.state in {"pending", "approved"}
	is_number(input.ledger.task.escalations)
}

else := {"result": "pass"} if {
	may_be_a_question
	is_string(input.approval.grant)
	input.approval.grant != ""
	(data.pdp.parameters.escalation_flood.per_task * 2) - input.ledger.task.escalations > 0
}

else := {"result": "pass"} if {
	may_be_a_question
	every said in questions {
		said in {"pass", "not_applicable", "deny"}
	}
}

else := result.deny(rego.metadata.chain(), "escalation_flood", {
	"message": sprintf("%d questions in this task and %d of this principal's tasks in this hour", [input.ledger.task.escalations, input.ledger.principal.hour_escalations]),
	"agent_message": "Too many calls of this work had to be confirmed; this is not possible now.",
	"remediation": "Answer or cancel the open questions; look at what the agent is trying to do.",
	"metadata": {
		"task": format_int(input.ledger.task.escalations, 10),
		"hour": format_int(input.ledger.principal.hour_escalations, 10),
	},
}) if {
	may_be_a_question
	is_number(input.ledger.task.escalations)
	is_number(input.ledger.principal.hour_escalations)
}

may_be_a_question if call.kind == "tool"

may_be_a_question if {
	call.kind == "builtin"
	input.tool.name == "pdp.change_phase"
}

within_the_hour if input.settings.development == true

within_the_hour if data.pdp.parameters.escalation_flood.per_hour - input.ledger.principal.hour_escalations > 0

# The rules that ask, as far as they decide.
questions := [said |
	some rule, said in {
		"goal": goal.verdict.result,
		"inferred": inferred.verdict.result,
		"irreversible": irreversible.verdict.result,
		"outward_flow": outward_flow.verdict.result,
		"phase": phase.verdict.result,
		"plan": plan.verdict.result,
		"privilege_growth": privilege_growth.verdict.result,
		"sinks": sinks.verdict.result,
		"split_act": split_act.verdict.result,
	}
	data.pdp.manifest.enforce[rule]
]
