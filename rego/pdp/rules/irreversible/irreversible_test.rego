package pdp.rules.irreversible_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.irreversible

test_what_can_be_taken_back_passes if {
	verdict(sample.but(sample.pay, {"tool": {"reversible": true}})) == {"result": "pass"}
}

test_what_cannot_be_taken_back_escalates if {
	said := verdict(sample.pay)
	said.result == "escalate"
	said.code == "irreversible"
	every class in ["write", "execute", "admin"] {
		verdict(irreversible_act(class)).result == "escalate"
	}
}

test_a_send_that_moves_no_value_passes if verdict(sample.send) == {"result": "pass"}

test_reads_and_drafts_are_not_asked_about if {
	every class in ["read", "draft"] {
		verdict(irreversible_act(class)) == {"result": "not_applicable"}
	}
}

test_an_intent_that_names_exactly_this_tool_passes if {
	verdict(named(sample.pay, ["send_money"])) == {"result": "pass"}
}

test_a_glob_does_not_name_a_tool if {
	every pattern in ["*", "send_*", "send_mone?", "{send_money}", "[s]end_money"] {
		verdict(named(sample.pay, [pattern])).result == "escalate"
	}
}

test_a_tool_named_like_a_glob_is_not_named_by_that_glob if {
	call := sample.but(sample.pay, {"tool": {"name": "send_*"}})
	verdict(named(call, ["send_*"])).result == "escalate"
}

test_the_intent_of_an_unregistered_task_names_nothing if {
	call := sample.but(named(sample.pay, ["send_money"]), {"task": {"registered": false}})
	verdict(call).result == "escalate"
}

test_a_mere_guess_is_left_to_the_rule_that_asks if {
	call := sample.but(sample.pay, {"tool": {"ungrounded": ["reversible"]}})
	verdict(call) == {"result": "not_applicable"}
	said := verdict(call) with data.pdp.manifest.enforce as {}
	said.result == "escalate"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(sample.but(call, {"tool": {"reversible": false, "moves_value": true}})) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["tool/reversible", "tool/class", "tool/builtin"] {
		verdict(sample.without(sample.pay, path)) == no_verdict
	}
}

test_a_missing_key_spares_nobody_the_question if {
	every path in ["tool/moves_value", "task/registered", "task/intent"] {
		verdict(sample.without(sample.pay, path)).result == "escalate"
	}
}

irreversible_act(class) := sample.but(sample.pay, {"tool": {"class": class}})

named(call, tools) := sample.but(call, {"task": {"intent": {"tools": tools}}})

verdict(call) := said if said := irreversible.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
