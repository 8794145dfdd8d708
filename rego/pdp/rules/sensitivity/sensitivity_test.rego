package pdp.rules.sensitivity_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.sensitivity

test_data_up_to_the_intents_sensitivity_passes_and_no_further if {
	every bound in [1, 2, 3, 4] {
		every level in [1, 2, 3, 4] {
			verdict(call_of(level, bound)).result == expected(level <= bound)
		}
	}
}

test_an_intent_that_does_not_say_reaches_up_to_confidential if {
	verdict(call_of(3, 0)) == {"result": "pass"}
	said := verdict(call_of(4, 0))
	said.result == "deny"
	said.code == "above_sensitivity"
	said.metadata == {"sensitivity": "RESTRICTED", "max_sensitivity": "CONFIDENTIAL"}
}

test_a_sensitivity_that_is_a_mere_guess_is_left_to_the_rule_that_asks if {
	verdict(guessed) == {"result": "not_applicable"}
}

test_a_sensitivity_that_is_a_mere_guess_counts_where_nobody_asks if {
	said := verdict(guessed) with data.pdp.manifest.enforce as {}
	said.code == "above_sensitivity"
}

test_a_guess_excuses_nothing_that_is_asserted_or_remembered if {
	asserted := sample.but(guessed, {"asserted": {"resource": {"sensitivity": 4}}})
	verdict(asserted).code == "above_sensitivity"
	remembered := sample.but(guessed, {"tool": {"sensitivity": 3}})
	verdict(remembered).code == "above_sensitivity"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.unknown_tool, sample.unknown_task] {
		verdict(sample.but(call, {"sensitivity": 4})) == {"result": "not_applicable"}
	}
}

test_what_is_no_level_denies if {
	every level in [null, false, 0, -1, 5, "2", [], {}] {
		verdict(call_of(level, 3)) == no_verdict
		verdict(call_of(2, level)).result == expected(level == 0)
	}
}

test_a_missing_key_denies if {
	every path in ["sensitivity", "task/intent/max_sensitivity", "tool/builtin"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

expected(true) := "pass"

expected(false) := "deny"

call_of(level, bound) := sample.but(
	sample.send,
	{"sensitivity": level, "task": {"intent": {"max_sensitivity": bound}}},
)

guessed := sample.but(call_of(4, 3), {"tool": {"sensitivity": 4, "ungrounded": ["sensitivity"]}})

verdict(call) := said if said := sensitivity.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
