package pdp.rules.task_actions_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.task_actions

test_it_does_not_apply_to_tools if verdict(sample.send) == {"result": "not_applicable"}

test_it_does_not_grant_a_built_in_tool_that_it_does_not_know if {
	call := sample.but(sample.start_task, {"tool": {"name": "pdp.erase_log"}})
	verdict(call) == {"result": "not_applicable"}
}

test_an_orchestrator_starts_a_task if {
	said := verdict(sample.start_task)
	said.result == "pass"
	said.code == "task_action"
	said.terms == {"phase": "plan", "ttl_s": 3600, "max_calls": 200, "max_effects": 50}
}

test_a_task_gets_what_it_asks_for_within_bounds if {
	asked := {"phase": "execute", "ttl_s": 60, "budget": {"max_calls": 10, "max_effects": 2}}
	terms(asked) == {"phase": "execute", "ttl_s": 60, "max_calls": 10, "max_effects": 2}
}

test_a_task_gets_no_more_than_the_bounds if {
	asked := {"ttl_s": 1000000, "budget": {"max_calls": 1000000, "max_effects": 1000000}}
	terms(asked) == {"phase": "plan", "ttl_s": 86400, "max_calls": 10000, "max_effects": 1000}
}

test_development_gives_budgets_as_asked_and_nothing_else if {
	asked := {"ttl_s": 1000000, "budget": {"max_calls": 1000000, "max_effects": 1000000}}
	development := sample.but(starting(asked), {"settings": {"development": true}})
	verdict(development).terms == {"phase": "plan", "ttl_s": 86400, "max_calls": 1000000, "max_effects": 1000000}
	unset := sample.but(sample.start_task, {"settings": {"development": true}})
	verdict(unset).terms == {"phase": "plan", "ttl_s": 3600, "max_calls": 200, "max_effects": 50}
}

test_the_defaults_and_bounds_are_parameters if {
	said := verdict(starting({"ttl_s": 100})) with data.pdp.parameters.task_actions as {
		"default_phase": "execute",
		"default_ttl_s": 1,
		"max_ttl_s": 5,
		"prepare_only": [],
	}
	said.terms.phase == "execute"
	said.terms.ttl_s == 5
}

test_a_task_that_asks_for_nonsense_is_not_started if {
	every asked in [
		{"ttl_s": -1},
		{"ttl_s": null},
		{"ttl_s": "100"},
		{"phase": "privileged"},
		{"budget": {"max_calls": -1}},
		{"budget": {"max_effects": false}},
	] {
		verdict(starting(asked)) == no_verdict
	}
}

test_a_task_id_that_is_taken_denies if {
	said := verdict(sample.but(sample.start_task, {"findings": {"task_exists": true}}))
	said.result == "deny"
	said.code == "task_exists"
}

test_starting_and_raising_need_the_orchestrators_role if {
	every call in [sample.start_task, sample.change_phase] {
		every roles in [[], ["pep"], ["admin", "auditor", "approver"]] {
			said := verdict(sample.but(call, {"caller": {"roles": roles}}))
			said.result == "deny"
			said.code == "role_missing"
		}
	}
}

test_the_subject_does_not_vouch_for_itself if {
	every call in [sample.start_task, sample.change_phase] {
		said := verdict(sample.but(call, {"caller": {"id": sample.send.subject.id, "issuer": "elsewhere"}}))
		said.result == "deny"
		said.code == "caller_is_subject"
	}
}

test_an_orchestrator_raises_the_phase if {
	every change in [["plan", "prepare"], ["plan", "execute"], ["prepare", "execute"]] {
		said := verdict(changing(change[0], change[1], {}))
		said.result == "pass"
		said.code == "task_action"
	}
}

test_a_subject_that_prepares_only_starts_in_prepare_at_most if {
	every phase, given in {"": "plan", "plan": "plan", "prepare": "prepare", "execute": "prepare"} {
		said := verdict(starting({"phase": phase})) with data.pdp.parameters.task_actions.prepare_only as ["agent:*"]
		said.terms.phase == given
		verdict(sample.but(starting({"phase": phase}), {"task": {"delegated": true}})).terms.phase == given
	}
}

test_a_subject_that_prepares_only_does_not_reach_execute_without_a_plan if {
	said := verdict(changing("prepare", "execute", {})) with data.pdp.parameters.task_actions.prepare_only as ["agent:*"]
	said.result == "deny"
	said.code == "prepare_only"
	verdict(changing("plan", "execute", delegated)).code == "prepare_only"
	verdict(changing("plan", "prepare", delegated)).result == "pass"
	verdict(changing("execute", "plan", delegated)).result == "pass"
}

test_a_plan_that_a_person_is_asked_about_takes_it_there if {
	said := verdict(sample.but(sample.change_phase_with_plan, delegated))
	said.result == "pass"
	said.code == "task_action"
}

test_a_plan_that_nobody_is_asked_about_does_not if {
	idle := sample.planning(sample.change_phase, [sample.change_phase_with_plan.plan[0]])
	verdict(sample.but(idle, delegated)).code == "prepare_only"
	unasked := verdict(sample.but(sample.change_phase_with_plan, delegated)) with data.pdp.manifest.enforce as {}
	unasked.code == "prepare_only"
}

test_planned_calls_that_would_be_denied_are_named_and_stop_nothing if {
	stranger := {"server": "mail", "tool": "send_email", "decision": "deny", "codes": ["not_in_goal"]}
	said := verdict(sample.planning(sample.change_phase, [stranger]))
	said.result == "pass"
	said.metadata == {"denied": "mail/send_email (not_in_goal)"}
}

test_lowering_a_phase_needs_no_role if {
	every change in [["execute", "prepare"], ["execute", "plan"], ["prepare", "plan"], ["plan", "plan"]] {
		verdict(changing(change[0], change[1], {"caller": {"roles": ["pep"]}})).result == "pass"
	}
}

test_an_unregistered_task_cannot_reach_execute if {
	said := verdict(changing("prepare", "execute", {"task": {"registered": false}}))
	said.result == "deny"
	said.code == "task_unregistered"
	verdict(changing("plan", "prepare", {"task": {"registered": false}})).result == "pass"
}

test_a_phase_that_nobody_knows_denies if {
	verdict(changing("plan", "privileged", {})) == no_verdict
	verdict(changing("plan", "", {})) == no_verdict
	verdict(changing("", "plan", {})) == no_verdict
}

test_a_gateway_or_an_orchestrator_completes_a_task if {
	every roles in [["pep"], ["orchestrator"]] {
		verdict(sample.but(sample.complete_task, {"caller": {"roles": roles}})).result == "pass"
	}
	said := verdict(sample.but(sample.complete_task, {"caller": {"roles": ["auditor"]}}))
	said.result == "deny"
	said.code == "role_missing"
}

appending(trust) := sample.but(sample.append_context, {"call": {"arguments": {"trust": trust}}})

test_an_orchestrator_vouches_for_material if {
	every trust in ["principal", "trusted", "untrusted"] {
		verdict(appending(trust)).result == "pass"
	}
}

test_a_gateway_appends_untrusted_material_only if {
	gateway := {"caller": {"roles": ["pep"]}}
	verdict(sample.but(appending("untrusted"), gateway)).result == "pass"
	every trust in ["principal", "trusted"] {
		said := verdict(sample.but(appending(trust), gateway))
		said.result == "deny"
		said.code == "role_missing"
	}
}

test_nobody_vouches_for_material_of_an_unregistered_task if {
	said := verdict(sample.but(appending("principal"), {"task": {"registered": false}}))
	said.result == "deny"
	said.code == "task_unregistered"
}

test_trust_that_nobody_knows_denies if {
	verdict(appending("")) == no_verdict
	verdict(appending("blind")) == no_verdict
}

test_a_missing_key_denies if {
	every path in [
		"tool/builtin",
		"caller/id",
		"subject/id",
		"findings/task_exists",
		"settings/development",
		"task/delegated",
		"call/arguments/phase",
		"call/arguments/ttl_s",
		"call/arguments/budget/max_calls",
	] {
		verdict(sample.without(sample.start_task, path)) == no_verdict
	}
	every path in ["caller/id", "task/registered", "task/delegated", "task/phase", "call/arguments/phase"] {
		verdict(sample.without(sample.change_phase, path)) == no_verdict
	}
	every call in [sample.start_task, sample.change_phase, sample.complete_task] {
		verdict(sample.without(call, "caller/roles")).result == "deny"
	}
}

delegated := {"task": {"delegated": true}}

terms(asked) := verdict(starting(asked)).terms

starting(asked) := sample.but(sample.start_task, {"call": {"arguments": asked}})

changing(from, to, changes) := sample.but(
	sample.but(sample.change_phase, {"task": {"phase": from}, "call": {"arguments": {"phase": to}}}),
	changes,
)

verdict(call) := said if said := task_actions.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
