package pdp.rules.budget_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.budget

test_a_task_with_budget_left_passes if {
	verdict(sample.send) == {"result": "pass"}
	verdict(spent(sample.send, 99, 19)) == {"result": "pass"}
}

test_used_up_calls_deny if {
	every call in [sample.send, sample.read] {
		said := verdict(spent(call, 100, 0))
		said.result == "deny"
		said.code == "budget_exceeded"
		said.metadata == {"budget": "calls", "used": "100", "max": "100"}
	}
}

test_used_up_effects_deny_what_has_an_effect if {
	said := verdict(spent(sample.send, 50, 20))
	said.result == "deny"
	said.code == "budget_exceeded"
	said.metadata == {"budget": "effects", "used": "20", "max": "20"}
	verdict(spent(sample.read, 50, 20)) == {"result": "pass"}
}

test_a_read_that_goes_out_counts_as_an_effect if {
	fetch := sample.but(sample.read, {"tool": {"egress": true}})
	verdict(spent(fetch, 50, 19)) == {"result": "pass"}
	verdict(spent(fetch, 50, 20)).code == "budget_exceeded"
}

test_a_task_without_a_budget_has_the_default if {
	every effects in [0, 50] {
		verdict(spent(sample.unregistered_read, 199, effects)) == {"result": "pass"}
	}
	verdict(spent(sample.unregistered_read, 200, 0)).metadata.max == "200"
	open := sample.but(sample.send, {"task": {"budget": {"max_calls": 0, "max_effects": 0}}})
	verdict(spent(open, 199, 49)) == {"result": "pass"}
	verdict(spent(open, 199, 50)).metadata.max == "50"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(spent(call, 100, 100)) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["ledger/task/calls", "ledger/task/effects", "task/budget/max_calls", "tool/builtin"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
	every path in ["tool/class", "task/budget/max_effects"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

spent(call, calls, effects) := sample.but(call, {"ledger": {"task": {"calls": calls, "effects": effects}}})

verdict(call) := said if said := budget.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
