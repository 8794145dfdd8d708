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

# Bounds are compared by subtracting: null is less than every number, and a string more, but neither
# can be subtracted.

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class in {"read", "draft"}
	input.tool.egress == false
	input.task.budget.max_calls - input.ledger.task.calls > 0
}

else := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class in {"read", "draft", "write", "send", "execute", "admin"}
	input.task.budget.max_calls - input.ledger.task.calls > 0
	input.task.budget.max_effects - input.ledger.task.effects > 0
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

# The same for a task that was given no budget of its own.
else := {"result": "pass"} if {
	call.kind == "tool"
	input.tool.class in {"read", "draft"}
	input.tool.egress == false
	max_calls - input.ledger.task.calls > 0
}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.tool.class in {"read", "draft", "write", "send", "execute", "admin"}
	max_calls - input.ledger.task.calls > 0
	max_effects - input.ledger.task.effects > 0
}

else := exceeded(rego.metadata.chain(), "calls", input.ledger.task.calls, max_calls) if {
	max_calls - input.ledger.task.calls <= 0
}

else := exceeded(rego.metadata.chain(), "effects", input.ledger.task.effects, max_effects) if {
	call.effect
	max_effects - input.ledger.task.effects <= 0
}

exceeded(chain, what, used, bound) := result.deny(chain, "budget_exceeded", {
	"message": sprintf("the task has used %d of %d %s", [used, bound, what]),
	"agent_message": "The task's budget is used up.",
	"remediation": "Start a task with a larger budget, if the work needs it.",
	"metadata": {"budget": what, "used": format_int(used, 10), "max": format_int(bound, 10)},
})

max_calls := data.pdp.parameters.budget.default_calls if input.task.budget.max_calls == 0

else := input.task.budget.max_calls

max_effects := data.pdp.parameters.budget.default_effects if input.task.budget.max_effects == 0

else := input.task.budget.max_effects
