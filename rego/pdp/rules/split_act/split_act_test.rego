package pdp.rules.split_act_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.split_act

test_small_acts_within_the_bounds_pass if {
	verdict(paying(100, 9900, 29)) == {"result": "pass"}
}

test_what_would_exceed_the_hours_amount_escalates if {
	said := verdict(paying(100.5, 9900, 0))
	said.result == "escalate"
	said.code == "split_act"
	said.metadata == {"acts": "0", "amount": "9900"}
}

test_one_large_act_is_no_split if {
	verdict(paying(50000, 0, 0)) == {"result": "pass"}
}

test_more_than_so_many_acts_that_cannot_be_taken_back_escalate if {
	verdict(deleting(29)) == {"result": "pass"}
	verdict(deleting(30)).result == "escalate"
}

test_what_the_principals_other_tasks_did_counts_and_this_tasks_ledger_does_not if {
	call := sample.but(sample.delete, {"ledger": {"task": {"hour_final": 99}, "pair": {"hour_final": 99}}})
	verdict(call) == {"result": "pass"}
}

test_messages_and_what_can_be_taken_back_are_not_counted if {
	call := sample.but(sample.send, {"ledger": {"principal": {"hour_final": 99, "hour_amount": 99999}}})
	verdict(call) == {"result": "pass"}
}

test_the_bounds_are_parameters if {
	said := verdict(deleting(5)) with data.pdp.parameters.split_act.final_per_hour as 5
	said.result == "escalate"
	other := verdict(paying(2, 9, 0)) with data.pdp.parameters.split_act.amount_per_hour as 10
	other.result == "escalate"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(sample.but(call, {"call": {"final": true}})) == {"result": "not_applicable"}
	}
}

test_a_missing_value_is_no_pass if {
	every path in ["call/amount", "call/final", "ledger/principal/hour_amount", "ledger/principal/hour_final"] {
		verdict(sample.without(paying(1, 1, 1), path)) == no_verdict
	}
}

paying(amount, before, acts) := sample.but(sample.pay, {
	"call": {"amount": amount},
	"ledger": {"principal": {"hour_amount": before, "hour_final": acts}},
})

deleting(acts) := sample.but(sample.delete, {"ledger": {"principal": {"hour_final": acts}}})

verdict(call) := said if said := split_act.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
