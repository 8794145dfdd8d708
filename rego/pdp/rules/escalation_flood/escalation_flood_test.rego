package pdp.rules.escalation_flood_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.escalation_flood

test_a_question_within_the_bounds_passes if {
	verdict(asking(question, 19, 59)) == {"result": "pass"}
}

test_one_more_question_than_the_task_may_ask_denies if {
	said := verdict(asking(question, 20, 0))
	said.result == "deny"
	said.code == "escalation_flood"
	said.metadata == {"task": "20", "hour": "0"}
}

test_one_more_question_than_the_principals_tasks_may_ask_in_an_hour_denies if {
	verdict(asking(question, 0, 60)).result == "deny"
}

test_a_call_that_asks_nothing_passes_whatever_was_asked_before if {
	verdict(asking(sample.send, 99, 99)) == {"result": "pass"}
	verdict(asking(sample.read, 99, 99)) == {"result": "pass"}
}

test_each_kind_of_question_counts if {
	every call in [
		sample.but(sample.send, {"goal": {"asked": false, "delegates": true}}),
		sample.but(sample.send, {"tool": {"class": "admin", "ungrounded": ["class"]}}),
		sample.carrying(sample.delete, [object.union(
			sample.delete.provenance.arguments[0],
			{"named": false, "pointed": true},
		)]),
		sample.but(sample.pay, {"ledger": {"principal": {"hour_amount": 10000}}}),
		sample.but(sample.send, {
			"tool": {"class": "execute"},
			"goal": {"asked": false, "delegates": true},
			"ledger": {"task": {"untrusted": true}},
		}),
		sample.but(sample.send, {"task": {"delegated": true}}),
		sample.change_phase_with_plan,
		sample.carrying(sample.but(sample.send, {"ledger": {"task": {"sensitivity": 3}}}), [
			sample.argument("/to", "sink", "trusted"),
			sample.argument("/body", "content", "unknown"),
		]),
	] {
		verdict(asking(call, 20, 0)).result == "deny"
	}
}

test_a_change_of_phase_that_asks_nothing_passes_whatever_was_asked_before if {
	verdict(asking(sample.change_phase, 99, 99)) == {"result": "pass"}
	lowering := sample.but(sample.change_phase_with_plan, {
		"task": {"phase": "execute"},
		"call": {"arguments": {"phase": "prepare"}},
	})
	verdict(asking(lowering, 99, 99)) == {"result": "pass"}
}

test_a_question_that_is_open_or_approved_is_no_other_question if {
	every call in [question, sample.change_phase_with_plan] {
		every state in ["pending", "approved"] {
			verdict(sample.but(asking(call, 99, 99), {"approval": {"state": state}})) == {"result": "pass"}
		}
		every state in ["none", "denied", "expired", "cancelled", "reserved", "consumed"] {
			verdict(sample.but(asking(call, 20, 0), {"approval": {"state": state}})).code == "escalation_flood"
		}
	}
}

test_a_call_under_a_grant_is_held_up_at_twice_the_bound if {
	granted := sample.but(question, {"approval": {"grant": "g-1"}})
	verdict(asking(granted, 39, 99)) == {"result": "pass"}
	verdict(asking(granted, 40, 0)).code == "escalation_flood"
}

test_a_rule_that_is_not_enforced_asks_nothing if {
	said := verdict(asking(question, 20, 0)) with data.pdp.manifest.enforce as {"goal": {"root": "pdp", "name": "goal"}}
	said == {"result": "pass"}
}

test_development_knows_no_hourly_bound if {
	at_work := sample.but(question, {"settings": {"development": true}})
	verdict(asking(at_work, 0, 999)) == {"result": "pass"}
	verdict(asking(at_work, 20, 0)).result == "deny"
	plan := sample.but(sample.change_phase_with_plan, {"settings": {"development": true}})
	verdict(asking(plan, 0, 999)) == {"result": "pass"}
	verdict(asking(plan, 20, 0)).result == "deny"
}

test_the_bounds_are_parameters if {
	said := verdict(asking(question, 1, 0)) with data.pdp.parameters.escalation_flood.per_task as 1
	said.result == "deny"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [
		sample.start_task, sample.complete_task, sample.decide_approval, sample.unknown_tool,
		sample.unknown_task,
	] {
		verdict(asking(call, 99, 99)).result in {"not_applicable", "pass"}
	}
}

test_a_missing_count_denies_a_question if {
	every path in ["ledger/task/escalations", "ledger/principal/hour_escalations", "tool/builtin"] {
		every call in [question, sample.change_phase_with_plan] {
			verdict(sample.without(call, path)).result == "deny"
		}
	}
}

question := sample.carrying(sample.send, [sample.argument("/recipients/0", "sink", "untrusted")])

asking(call, task, hour) := sample.but(call, {"ledger": {
	"task": {"escalations": task},
	"principal": {"hour_escalations": hour},
}})

verdict(call) := said if said := escalation_flood.verdict with input as call
