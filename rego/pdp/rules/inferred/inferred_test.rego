package pdp.rules.inferred_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.inferred

test_a_tool_without_mere_guesses_passes if {
	verdict(sample.send) == {"result": "pass"}
	grounded := sample.but(sample.send, {"tool": {"inferred": {"class": ["name:send"]}}})
	verdict(grounded) == {"result": "pass"}
}

test_a_guessed_class_escalates if {
	said := verdict(guessed(sample.read, ["class"]))
	said.result == "escalate"
	said.code == "inferred_tool"
	said.metadata == {"fields": "class"}
}

test_guessed_reversibility_matters_only_for_what_has_an_effect if {
	verdict(guessed(sample.send, ["reversible"])).result == "escalate"
	verdict(guessed(sample.read, ["reversible"])) == {"result": "pass"}
}

test_a_guessed_resource_matters_only_where_the_intent_limits_resources if {
	verdict(guessed(sample.send, ["resource"])) == {"result": "pass"}
	limited := sample.but(sample.send, {"task": {"intent": {"resources": ["email:*"]}}})
	verdict(guessed(limited, ["resource"])).result == "escalate"
}

test_a_guessed_sensitivity_matters_only_where_it_is_above_the_intents if {
	worst := {"sensitivity": 4, "tool": {"sensitivity": 4}}
	verdict(sample.but(guessed(sample.read, ["sensitivity"]), worst)).result == "escalate"
	verdict(guessed(sample.read, ["sensitivity"])) == {"result": "pass"}
	asserted := object.union(worst, {"asserted": {"resource": {"sensitivity": 4}}})
	verdict(sample.but(guessed(sample.read, ["sensitivity"]), asserted)) == {"result": "pass"}
}

test_several_guesses_are_one_question if {
	verdict(guessed(sample.send, ["class", "output", "reversible"])).metadata == {"fields": "class,reversible"}
}

test_a_guess_that_does_not_matter_passes if {
	verdict(guessed(sample.send, ["output", "arguments/to"])) == {"result": "pass"}
}

test_a_guess_never_denies_by_itself if {
	every field in ["class", "sensitivity", "output", "reversible", "egress", "resource", "arguments/to"] {
		verdict(guessed(sample.send, [field])).result != "deny"
	}
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.unknown_tool, sample.unknown_task] {
		verdict(guessed(call, ["class"])) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["tool/ungrounded", "tool/builtin"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

guessed(call, fields) := sample.but(call, {"tool": {"ungrounded": fields}})

verdict(call) := said if said := inferred.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
