# METADATA
# title: One question for what belongs together
# description: |
#   A change of phase that comes with a plan is asked about as a whole, where a call of the plan
#   would be asked about (parameter approval: escalating), or with every plan (always). A subject that
#   only prepares reaches EXECUTE by no other way, so this holds for it with "never" as well. Planned
#   calls that would be denied are named and stop nothing: they will be denied when they are made.
#   Without a plan, or to lower the phase, nobody is asked.
# custom:
#   controls:
#     - ASI02
#     - ASI09
#     - NIST SP 800-207 2.1 tenet 3
#     - MAESTRO L6
#   codes:
#     - plan_escalates
package pdp.rules.plan

import data.pdp.lib.plan
import data.pdp.lib.result
import data.pdp.lib.subject

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "not_applicable"} if input.tool.builtin == false

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if {
	input.tool.builtin == true
	input.tool.name != "pdp.change_phase"
}

else := {"result": "not_applicable"} if {
	input.tool.builtin == true
	input.plan == []
	input.call.arguments.plan == []
}

else := {"result": "not_applicable"} if {
	weighed
	plan.rank[input.task.phase] - plan.rank[input.call.arguments.phase] > 0
}

else := result.escalate(rego.metadata.chain(), "plan_escalates", {
	"message": sprintf("%d of %d planned calls would be asked about%s", [count(plan.asking), count(input.plan), why]),
	"agent_message": "A person has to confirm this plan.",
	"remediation": "Read the calls of the plan; a yes is one for those of them that would be asked about.",
	"metadata": {
		"acts": concat(", ", plan.asking_tools),
		"codes": concat(", ", plan.asking_codes),
		"denied": concat(", ", plan.denied),
	},
}) if {
	weighed
	raises_or_keeps
	asked_about
}

else := {"result": "pass"} if {
	weighed
	raises_or_keeps
	data.pdp.parameters.plan.approval in {"escalating", "never"}
}

# What is planned and what was found of it are the same calls.
weighed if {
	input.tool.builtin == true
	input.tool.name == "pdp.change_phase"
	count(input.plan) > 0
	count(input.plan) == count(input.call.arguments.plan)
	every one in input.plan {
		one.decision in {"allow", "deny", "escalate"}
		is_array(one.codes)
	}
}

raises_or_keeps if plan.rank[input.call.arguments.phase] - plan.rank[input.task.phase] >= 0

asked_about if data.pdp.parameters.plan.approval == "always"

asked_about if {
	data.pdp.parameters.plan.approval == "escalating"
	count(plan.asking) > 0
}

asked_about if {
	data.pdp.parameters.plan.approval == "never"
	input.call.arguments.phase == "execute"
	count(plan.asking) > 0
	subject.prepares_only == true
}

why := "" if count(plan.asking) == 0

else := sprintf(": %s", [concat(", ", plan.asking_codes)])
