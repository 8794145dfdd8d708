package pdp.rules.goal_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.goal

test_what_the_goal_asks_for_passes if {
	every class in ["write", "send", "execute", "admin"] {
		verdict(sample.but(sample.send, {"tool": {"class": class}})) == {"result": "pass"}
	}
}

test_what_it_does_not_ask_for_denies if {
	every class in ["write", "send", "execute", "admin"] {
		said := verdict(sample.but(astray, {"tool": {"class": class}}))
		said.result == "deny"
		said.code == "not_in_goal"
		said.metadata == {"acts": "send"}
	}
}

test_an_intent_that_names_the_tool_asks_for_it if {
	verdict(listing(astray, ["send_email"])) == {"result": "pass"}
	verdict(listing(astray, ["send_*"])).result == "deny"
}

test_the_intent_of_an_unregistered_task_asks_for_nothing if {
	call := sample.but(listing(astray, ["send_email"]), {"task": {"registered": false}})
	said := verdict(call) with data.pdp.manifest.enforce as {}
	said.result == "deny"
}

test_a_list_of_tools_does_not_bring_back_what_the_goal_rules_out if {
	call := sample.but(listing(astray, ["send_email"]), {"goal": {"acts": [], "negated": ["send"]}})
	verdict(call).result == "deny"
	mixed := sample.but(call, {"goal": {"acts": ["send"]}})
	verdict(mixed) == {"result": "pass"}
}

test_a_goal_that_leaves_the_choice_to_others_escalates if {
	call := sample.but(astray, {"goal": {"delegates": true}})
	verdict(call).result == "escalate"
	verdict(call).code == "not_in_goal"
	verdict(sample.but(call, {"goal": {"acts": [], "negated": ["send"]}})).result == "deny"
}

test_an_act_that_the_goal_may_ask_for_escalates if {
	call := sample.but(astray, {"goal": {"unsure": true}})
	said := verdict(call)
	said.result == "escalate"
	said.code == "not_in_goal"
	verdict(sample.but(call, {"goal": {"acts": [], "negated": ["send"]}})).result == "deny"
	verdict(sample.without(call, "goal/unsure")).result == "deny"
}

test_a_command_escalates_since_goals_speak_of_ends if {
	call := sample.but(
		sample.carrying(astray, [sample.argument("/command", "sink", "unknown")]),
		{"tool": {"class": "execute"}, "goal": {"acts": ["delete"], "tool_acts": ["run"]}},
	)
	verdict(call).result == "deny"
	commanding := sample.carrying(call, [object.union(
		sample.argument("/command", "sink", "unknown"),
		{"holds": "command"},
	)])
	verdict(commanding).result == "escalate"
	verdict(sample.but(commanding, {"tool": {"class": "write"}})).result == "deny"
	verdict(sample.but(commanding, {"goal": {"acts": [], "negated": ["run"]}})).result == "deny"
}

test_an_act_on_another_kind_of_thing_escalates_once_others_had_a_say if {
	call := sample.but(sample.send, {"goal": {"about": false}})
	verdict(call) == {"result": "pass"}
	every rollup in ["task", "pair"] {
		said := verdict(sample.but(call, {"ledger": {rollup: {"untrusted": true}}}))
		said.result == "escalate"
		said.code == "not_in_goal"
	}
	tainted := sample.but(call, {"ledger": {"task": {"untrusted": true}}})
	verdict(listing(tainted, ["send_email"])) == {"result": "pass"}
	verdict(listing(tainted, ["send_*"])).result == "escalate"
	verdict(sample.without(tainted, "goal/about")).result == "deny"
}

test_an_act_without_a_word_that_reaches_only_the_named_escalates if {
	said := verdict(sample.but(sample.send, {"goal": {"asked": false}}))
	said.result == "escalate"
	said.code == "not_in_goal"
}

test_an_act_beside_those_asked_for_that_reaches_nothing_content_chose_escalates if {
	listed := object.union(
		sample.argument("/file_id", "identifier", "untrusted"),
		{"exists": true, "pointed": false},
	)
	call := sample.carrying(astray, [listed, sample.argument("/note", "content", "unknown")])
	said := verdict(call)
	said.result == "escalate"
	said.code == "not_in_goal"
	every changes in [{"exists": false}, {"pointed": true}] {
		verdict(sample.carrying(astray, [object.union(listed, changes)])).result == "deny"
	}
	every origin in ["untrusted", "unknown"] {
		verdict(sample.carrying(astray, [listed, sample.argument("/to", "sink", origin)])).result == "deny"
	}
	verdict(sample.but(call, {"goal": {"acts": []}})).result == "deny"
	verdict(sample.but(call, {"goal": {"acts": ["pay"], "negated": ["send"]}})).result == "deny"
	verdict(sample.but(call, {"goal": {"acts": ["pay"]}})).result == "escalate"
}

test_an_act_without_a_word_that_reaches_nothing_named_denies if {
	call := sample.but(sample.send, {"goal": {"asked": false}})
	verdict(sample.carrying(call, [])).result == "deny"
	verdict(sample.carrying(call, [sample.argument("/body", "content", "unknown")])).result == "deny"
	verdict(sample.but(call, {"goal": {"acts": [], "negated": ["send"]}})).result == "deny"
}

test_looking_and_drafting_need_no_asking if {
	every class in ["read", "draft"] {
		verdict(sample.but(astray, {"tool": {"class": class}})) == {"result": "not_applicable"}
	}
}

test_a_class_that_is_a_mere_guess_is_left_to_the_rule_that_asks if {
	call := sample.but(astray, {"tool": {"class": "admin", "ungrounded": ["class"]}})
	verdict(call) == {"result": "not_applicable"}
	said := verdict(call) with data.pdp.manifest.enforce as {}
	said.result == "deny"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(sample.but(call, {"goal": {"asked": false}})) == {"result": "not_applicable"}
	}
}

test_what_nobody_registered_is_left_to_the_rule_about_it if {
	call := sample.but(astray, {"task": {"registered": false}})
	verdict(call) == {"result": "not_applicable"}
	said := verdict(call) with data.pdp.manifest.enforce as {}
	said.result == "deny"
}

test_a_missing_key_denies if {
	every path in ["goal/asked", "goal", "tool/class", "tool/builtin", "tool"] {
		verdict(sample.without(astray, path)).result == "deny"
	}
	every path in ["goal/negated", "goal/delegates"] {
		verdict(sample.without(sample.but(astray, {"goal": {"delegates": true}}), path)).result == "deny"
	}
}

# Nobody asked for it, and others chose where it goes.
astray := sample.carrying(
	sample.but(sample.send, {"goal": {"asked": false}}),
	[sample.argument("/recipients/0", "sink", "untrusted")],
)

listing(call, tools) := sample.but(call, {"task": {"intent": {"tools": tools}}})

verdict(call) := said if said := goal.verdict with input as call
