package pdp.rules.irreversible_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.irreversible

test_what_can_be_taken_back_and_mere_messages_pass if {
	verdict(sample.send) == {"result": "pass"}
	verdict(sample.but(sample.delete, {"call": {"final": false}})) == {"result": "pass"}
}

test_what_the_principal_chose_passes if {
	verdict(sample.pay) == {"result": "pass"}
	verdict(sample.delete) == {"result": "pass"}
}

test_what_trusted_output_chose_passes if {
	verdict(paying("trusted")) == {"result": "pass"}
}

test_each_such_call_is_answered_for_itself if {
	said := verdict(sample.carrying(sample.pay, [sample.argument("/recipient", "sink", "untrusted")]))
	said.approval == {"max_uses": 1}
}

test_what_untrusted_output_or_nobody_known_chose_escalates if {
	every origin in ["untrusted", "unknown"] {
		said := verdict(paying(origin))
		said.result == "escalate"
		said.code == "irreversible"
		said.metadata == {"arguments": "/recipient", "sources": ""}
	}
}

test_a_listed_thing_that_no_running_text_speaks_of_passes if {
	verdict(deleting({"named": false, "pointed": false})) == {"result": "pass"}
}

test_a_listed_thing_that_untrusted_text_speaks_of_escalates if {
	every named in [true, false] {
		verdict(deleting({"named": named, "pointed": true})).result == "escalate"
	}
}

test_a_thing_that_trusted_output_lists_and_untrusted_text_speaks_of_escalates if {
	verdict(deleting({"origin": "trusted", "named": false})) == {"result": "pass"}
	verdict(deleting({"origin": "trusted", "named": false, "pointed": true})).result == "escalate"
	verdict(deleting({"origin": "trusted", "named": true, "pointed": true})) == {"result": "pass"}
	verdict(deleting({"origin": "principal", "pointed": true})) == {"result": "pass"}
}

test_an_identifier_that_no_output_held_escalates if {
	verdict(deleting({"exists": false})).result == "escalate"
	verdict(deleting({"exists": false, "origin": "unknown"})).result == "escalate"
}

test_amounts_and_content_select_nothing if {
	call := sample.carrying(sample.pay, [
		sample.argument("/recipient", "sink", "principal"),
		sample.argument("/amount", "amount", "unknown"),
		sample.argument("/subject", "content", "untrusted"),
		sample.argument("/recurring", "option", "none"),
	])
	verdict(call) == {"result": "pass"}
}

test_an_act_that_the_goal_leaves_to_others_escalates if {
	said := verdict(sample.but(sample.pay, {"goal": {"asked": false, "delegates": true}}))
	said.result == "escalate"
	said.message == "send_money cannot be taken back, and the principal did not choose the act"
}

test_an_intent_that_names_exactly_this_tool_asks_for_the_act if {
	verdict(named(unasked, ["send_money"])) == {"result": "pass"}
}

test_a_glob_does_not_name_a_tool if {
	every pattern in ["*", "send_*", "send_mone?", "{send_money}", "[s]end_money"] {
		verdict(named(unasked, [pattern])).result == "escalate"
	}
}

test_a_tool_named_like_a_glob_is_not_named_by_that_glob if {
	call := sample.but(unasked, {"tool": {"name": "send_*"}})
	verdict(named(call, ["send_*"])).result == "escalate"
}

test_the_intent_of_an_unregistered_task_names_nothing if {
	call := sample.but(named(unasked, ["send_money"]), {"task": {"registered": false}})
	verdict(call).result == "escalate"
}

test_a_mere_guess_is_left_to_the_rule_that_asks if {
	call := sample.but(paying("unknown"), {"tool": {"ungrounded": ["reversible"]}})
	verdict(call) == {"result": "not_applicable"}
	said := verdict(call) with data.pdp.manifest.enforce as {}
	said.result == "escalate"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(sample.but(call, {"call": {"final": true}})) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["call/final", "tool/builtin"] {
		verdict(sample.without(sample.pay, path)) == no_verdict
	}
}

test_a_missing_key_spares_nobody_the_question if {
	every path in ["goal/asked", "provenance/arguments", "provenance/arguments/0/origin", "provenance/arguments/0/kind"] {
		verdict(sample.without(sample.pay, path)).result == "escalate"
	}
	every key in ["exists", "pointed", "kind"] {
		verdict(sample.without(sample.delete, concat("/", ["provenance/arguments/0", key]))).result == "escalate"
	}
}

paying(origin) := sample.carrying(sample.pay, [
	sample.argument("/recipient", "sink", origin),
	sample.argument("/amount", "amount", "principal"),
])

deleting(changes) := sample.carrying(
	sample.delete,
	[object.union(sample.delete.provenance.arguments[0], changes)],
)

unasked := sample.but(sample.pay, {"goal": {"asked": false}})

named(call, tools) := sample.but(call, {"task": {"intent": {"tools": tools}}})

verdict(call) := said if said := irreversible.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
