package pdp.rules.approval_actions_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.approval_actions

test_it_does_not_apply_to_tools_nor_to_task_actions if {
	every call in [sample.send, sample.start_task, sample.change_phase, sample.complete_task] {
		verdict(call) == {"result": "not_applicable"}
	}
}

test_it_does_not_grant_a_built_in_tool_that_it_does_not_know if {
	verdict(sample.but(sample.decide_approval, {"tool": {"name": "pdp.erase_log"}})) == {"result": "not_applicable"}
}

test_a_holder_of_a_role_that_was_asked_answers_and_takes_back if {
	every call in answers {
		said := verdict(call)
		said.result == "pass"
		said.code == "approval_action"
	}
}

test_a_person_who_was_asked_by_name_answers if {
	every approvers in [["user:carol"], ["owner", "user:https://id.example.org#carol"]] {
		every call in answers {
			said := verdict(sample.but(call, {"caller": {"roles": []}, "approval": {"approvers": approvers}}))
			said.result == "pass"
		}
	}
}

test_nobody_else_answers if {
	every caller in [
		{"roles": []},
		{"roles": ["admin", "auditor", "orchestrator", "pep"]},
		{"roles": ["Approver", "approver "]},
	] {
		every call in answers {
			said := verdict(sample.but(call, {"caller": caller}))
			said.result == "deny"
			said.code == "not_an_approver"
			said.metadata == {"approval": "a-1", "approvers": "approver"}
		}
	}
}

test_another_person_is_not_taken_for_the_one_who_was_asked if {
	named := {"approval": {"approvers": ["user:https://id.example.org#carol", "user:dave"]}}
	every caller in [
		{"id": "carol", "issuer": "https://id.example.net"},
		{"id": "carol", "issuer": ""},
		{"id": "Carol"},
		{"id": "https://id.example.org#carol", "issuer": "https://id.example.net"},
		{"id": "b#carol", "issuer": "https://id.example.org#a"},
		{"id": "dave", "type": "service"},
		{"id": "", "issuer": ""},
	] {
		call := sample.but(sample.but(sample.decide_approval, named), {"caller": object.union({"roles": []}, caller)})
		verdict(call).code == "not_an_approver"
	}
}

test_an_issuer_with_the_mark_between_issuer_and_id_names_nobody if {
	call := sample.but(sample.decide_approval, {
		"caller": {"id": "c", "issuer": "a#b", "roles": []},
		"approval": {"approvers": ["user:a#b#c"]},
	})
	verdict(call).code == "not_an_approver"
}

test_a_role_that_looks_like_a_name_is_none if {
	call := sample.but(sample.decide_approval, {
		"caller": {"id": "eve", "roles": ["user:carol"]},
		"approval": {"approvers": ["user:carol"]},
	})
	verdict(call).code == "not_an_approver"
}

test_an_agent_never_answers_whatever_its_roles if {
	every call in answers {
		verdict(sample.but(call, {"caller": {"type": "agent"}})).code == "not_an_approver"
	}
}

test_a_party_to_the_call_never_answers if {
	every call in answers {
		said := verdict(sample.but(call, {"approval": {"party": true}}))
		said.result == "deny"
		said.code == "self_approval"
	}
}

test_a_question_that_was_put_to_nobody_is_answered_by_nobody if {
	verdict(sample.but(sample.decide_approval, {"approval": {"approvers": []}})).code == "not_an_approver"
}

test_admins_orchestrators_and_approvers_stop_what_was_given if {
	every call in [sample.revoke_task, sample.revoke_grant] {
		every role in ["admin", "orchestrator", "approver"] {
			said := verdict(sample.but(call, {"caller": {"roles": [role]}}))
			said.result == "pass"
			said.code == "approval_action"
		}
	}
}

test_nobody_else_stops_it if {
	every call in [sample.revoke_task, sample.revoke_grant] {
		every roles in [[], ["pep"], ["auditor"]] {
			said := verdict(sample.but(call, {"caller": {"roles": roles}}))
			said.result == "deny"
			said.code == "role_missing"
		}
	}
}

test_a_missing_key_denies if {
	every path in ["tool/builtin", "tool/name", "tool", "approval/party", "approval/approvers", "approval", "caller/roles", "caller/type", "caller"] {
		every call in answers {
			verdict(sample.without(call, path)).result == "deny"
		}
	}
	every path in ["approval/party", "approval", "tool/builtin"] {
		verdict(sample.without(sample.decide_approval, path)) == no_verdict
	}
	every path in ["caller/roles", "caller"] {
		verdict(sample.without(sample.revoke_task, path)) == no_verdict
	}
}

test_a_party_that_is_no_truth_value_denies if {
	every party in [null, "", 0, "false"] {
		verdict(sample.but(sample.decide_approval, {"approval": {"party": party}})) == no_verdict
	}
}

answers := [sample.decide_approval, sample.cancel_approval]

verdict(call) := said if said := approval_actions.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
