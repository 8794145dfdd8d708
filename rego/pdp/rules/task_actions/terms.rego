package pdp.rules.task_actions

import data.pdp.lib.plan
import data.pdp.lib.subject

# METADATA
# title: What a started task gets
# description: |
#   The request narrowed to policy's bounds; 0 and "" mean policy's default. In development budgets
#   are as asked. Undefined when the request is not as agreed, and the task is then not started.
terms := {
	"phase": capped[subject.prepares_only][phase],
	"ttl_s": bounded(asked.ttl_s, defaults.default_ttl_s, defaults.max_ttl_s),
	"max_calls": budget(asked.budget.max_calls, budgets.default_calls, budgets.max_calls),
	"max_effects": budget(asked.budget.max_effects, budgets.default_effects, budgets.max_effects),
}

asked := input.call.arguments

defaults := data.pdp.parameters.task_actions

budgets := data.pdp.parameters.budget

phase := defaults.default_phase if asked.phase == ""

else := asked.phase if plan.rank[asked.phase]

# A subject that only prepares gets no more than PREPARE.
capped := {
	false: {"plan": "plan", "prepare": "prepare", "execute": "execute"},
	true: {"plan": "plan", "prepare": "prepare", "execute": "prepare"},
}

budget(wanted, standard, most) := bounded(wanted, standard, most) if input.settings.development == false

budget(wanted, standard, _) := bounded(wanted, standard, wanted) if input.settings.development == true

bounded(0, standard, _) := standard if is_number(standard)

bounded(wanted, _, most) := min([wanted, most]) if {
	is_number(wanted)
	is_number(most)
	wanted > 0
}
