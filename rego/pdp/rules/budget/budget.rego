# METADATA
# title: The task's budget is not used up
# description: |
#   A task may make so many calls, and so many with effects. A task whose budget is 0 has policy's
#   default.
# custom:
#   controls:
#     - ASI08
#     - ASI10
#     - NIST SP 800-207 2.1 tenet 4
#     - MAESTRO L5
#   codes:
#     - budget_exceeded
package pdp.rules.budget

import data.pdp.lib.call
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	call.kind == "tool"
	input.ledger.task.calls < max_calls
	effects_left
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := exceeded(rego.metadata.chain(), "calls", input.ledger.task.calls, max_calls) if {
	input.ledger.task.calls >= max_calls
}

else := exceeded(rego.metadata.chain(), "effects", input.ledger.task.effects, max_effects) if {
	input.tool.class in call.effectful
	input.ledger.task.effects >= max_effects
}

exceeded(chain, what, used, bound) := result.deny(chain, "budget_exceeded", {
	"message": sprintf("the task has used %d of %d %s", [used, bound, what]),
	"agent_message": "The task's budget is used up.",
	"remediation": "Start a task with a larger budget, if the work needs it.",
	"metadata": {"budget": what, "used": format_int(used, 10), "max": format_int(bound, 10)},
})

effects_left if input.tool.class in {"read", "draft"}

effects_left if {
	input.tool.class in call.effectful
	input.ledger.task.effects < max_effects
}

max_calls := limit(input.task.budget.max_calls, data.pdp.parameters.budget.default_calls)

max_effects := limit(input.task.budget.max_effects, data.pdp.parameters.budget.default_effects)

limit(given, _) := given if {
	is_number(given)
	given > 0
}

limit(0, standard) := standard if is_number(standard)
