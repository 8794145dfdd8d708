package pdp.rules.privilege_growth_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.privilege_growth

test_a_first_grave_act_after_untrusted_material_escalates if {
	every class in ["execute", "admin"] {
		every ledger in ["task", "pair"] {
			said := verdict(first(class, ledger))
			said.result == "escalate"
			said.code == "privilege_growth"
			said.metadata == {"class": class}
		}
	}
}

test_what_the_goal_asks_for_in_words_is_no_growth if {
	verdict(sample.but(first("admin", "task"), {"goal": {"asked": true}})) == {"result": "pass"}
}

test_a_list_of_tools_is_not_the_goals_words if {
	call := sample.but(first("execute", "task"), {"task": {"intent": {"tools": ["send_email"]}}})
	verdict(call).result == "escalate"
}

test_without_untrusted_material_nothing_has_grown if {
	call := sample.but(first("admin", "task"), {"ledger": {"task": {"untrusted": false}}})
	verdict(call) == {"result": "pass"}
}

test_what_the_task_has_reached_before_is_no_growth if {
	reached := {"execute": 5, "admin": 6}
	every class, reach in reached {
		verdict(reaching(class, reach)) == {"result": "pass"}
		verdict(reaching(class, reach - 1)).result == "escalate"
	}
}

test_lower_classes_pass if {
	every class in ["read", "draft", "write", "send"] {
		verdict(first(class, "task")) == {"result": "pass"}
	}
}

test_a_class_that_is_a_mere_guess_is_left_to_the_rule_that_asks if {
	call := sample.but(first("admin", "task"), {"tool": {"ungrounded": ["class"]}})
	verdict(call) == {"result": "not_applicable"}
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool] {
		verdict(call) == {"result": "not_applicable"}
	}
	verdict(sample.but(first("admin", "task"), {"task": {"known": false}})) == {"result": "not_applicable"}
}

test_a_missing_key_is_no_pass if {
	every path in ["goal/asked", "ledger/task/untrusted", "ledger/task/reach", "tool/builtin"] {
		verdict(sample.without(first("admin", "pair"), path)).result != "pass"
	}
	verdict(sample.without(first("admin", "task"), "tool/class")) == no_verdict
}

first(class, ledger) := sample.but(sample.send, {
	"tool": {"class": class},
	"goal": {"asked": false},
	"ledger": {ledger: {"untrusted": true}},
})

reaching(class, reach) := sample.but(first(class, "task"), {"ledger": {"task": {"reach": reach}}})

verdict(call) := said if said := privilege_growth.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
