package pdp.rules.plan_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.plan

test_it_applies_to_a_change_of_phase_with_a_plan_only if {
	every call in [sample.send, sample.start_task, sample.complete_task, sample.decide_approval, sample.change_phase] {
		verdict(call) == {"result": "not_applicable"}
	}
}

test_a_plan_whose_calls_are_asked_about_is_one_question if {
	said := verdict(sample.planning(sample.change_phase, [read, pay, pay, post, stranger]))
	said.result == "escalate"
	said.code == "plan_escalates"
	said.message == "3 of 5 planned calls would be asked about: irreversible, sink_untrusted"
	said.metadata == {
		"acts": "bank/send_money, web/post",
		"codes": "irreversible, sink_untrusted",
		"denied": "mail/send_email (not_in_goal outside_intent)",
	}
}

test_a_plan_that_nobody_is_asked_about_passes if {
	verdict(sample.planning(sample.change_phase, [read, stranger])) == {"result": "pass"}
}

test_every_plan_or_none_is_asked_about_where_policy_says_so if {
	said := verdict(sample.planning(sample.change_phase, [read])) with data.pdp.parameters.plan.approval as "always"
	said.result == "escalate"
	said.message == "0 of 1 planned calls would be asked about"
	never := verdict(sample.change_phase_with_plan) with data.pdp.parameters.plan.approval as "never"
	never == {"result": "pass"}
}

test_a_subject_that_prepares_only_is_asked_about_on_its_way_to_execute_in_any_case if {
	delegated := sample.but(sample.change_phase_with_plan, {"task": {"delegated": true}})
	said := verdict(delegated) with data.pdp.parameters.plan.approval as "never"
	said.code == "plan_escalates"
	prepare := sample.but(delegated, {"call": {"arguments": {"phase": "prepare"}}})
	other := verdict(prepare) with data.pdp.parameters.plan.approval as "never"
	other == {"result": "pass"}
}

test_a_plan_for_the_phase_that_the_task_is_in_is_asked_about if {
	verdict(changing("execute", "execute")).code == "plan_escalates"
}

test_nobody_is_asked_about_lowering_a_phase if {
	every change in [["execute", "prepare"], ["execute", "plan"], ["prepare", "plan"]] {
		every asked in ["escalating", "always", "never"] {
			said := verdict(changing(change[0], change[1])) with data.pdp.parameters.plan.approval as asked
			said == {"result": "not_applicable"}
		}
	}
}

test_what_would_be_one_question_too_many_is_asked_about if {
	flooded := {"server": "bank", "tool": "send_money", "decision": "deny", "codes": ["escalation_flood"]}
	said := verdict(sample.planning(sample.change_phase, [flooded]))
	said.result == "escalate"
	said.metadata.acts == "bank/send_money"
	said.metadata.denied == ""
}

test_a_parameter_that_nobody_knows_denies if {
	said := verdict(sample.change_phase_with_plan) with data.pdp.parameters.plan.approval as "sometimes"
	said == no_verdict
}

test_a_plan_that_was_not_weighed_denies if {
	verdict(sample.but(sample.change_phase_with_plan, {"plan": []})) == no_verdict
	verdict(sample.but(sample.change_phase_with_plan, {"plan": [read]})) == no_verdict
	verdict(sample.planning(sample.change_phase, [object.union(read, {"decision": "perhaps"})])) == no_verdict
}

test_a_missing_key_denies if {
	every path in [
		"plan", "call/arguments/plan", "call/arguments/phase", "task/phase", "tool/builtin", "tool/name",
		"plan/0/decision", "plan/0/codes",
	] {
		verdict(sample.without(sample.change_phase_with_plan, path)) == no_verdict
	}
}

read := {"server": "files", "tool": "read_file", "decision": "allow", "codes": ["within_intent"]}

pay := {"server": "bank", "tool": "send_money", "decision": "escalate", "codes": ["irreversible", "sink_untrusted"]}

post := {"server": "web", "tool": "post", "decision": "escalate", "codes": ["sink_untrusted"]}

stranger := {"server": "mail", "tool": "send_email", "decision": "deny", "codes": ["not_in_goal", "outside_intent"]}

changing(from, to) := sample.but(
	sample.change_phase_with_plan,
	{"task": {"phase": from}, "call": {"arguments": {"phase": to}}},
)

verdict(call) := said if said := plan.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
