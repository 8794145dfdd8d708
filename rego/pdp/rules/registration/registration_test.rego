package pdp.rules.registration_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.registration

test_a_registered_task_passes if verdict(sample.send) == {"result": "pass"}

test_an_unregistered_task_may_read_and_draft if {
	verdict(sample.unregistered_read) == {"result": "pass"}
	verdict(sample.but(sample.unregistered_read, {"tool": {"class": "draft"}})) == {"result": "pass"}
}

test_an_unregistered_task_may_do_nothing_else if {
	every class in ["write", "send", "execute", "admin"] {
		said := verdict(sample.but(sample.unregistered_read, {"tool": {"class": class}}))
		said.result == "deny"
		said.code == "task_unregistered"
	}
}

test_a_read_that_goes_out_is_a_send_here if {
	said := verdict(sample.but(sample.unregistered_read, {"tool": {"egress": true}}))
	said.result == "deny"
	said.code == "task_unregistered"
}

test_another_intent_than_the_pinned_one_denies if {
	said := verdict(sample.but(sample.unregistered_read, {"task": {"intent_repinned": true}}))
	said.result == "deny"
	said.code == "intent_pinned"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(sample.but(call, {"task": {"registered": false}})) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["task/registered", "task/intent_repinned", "task"] {
		verdict(sample.without(sample.unregistered_read, path)) == no_verdict
	}
}

test_what_a_missing_key_says_is_not_taken_for_harmless if {
	every path in ["tool/class", "tool/egress", "tool/builtin", "tool"] {
		verdict(sample.without(sample.unregistered_read, path)).result == "deny"
	}
}

verdict(call) := said if said := registration.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
