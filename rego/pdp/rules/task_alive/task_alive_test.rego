package pdp.rules.task_alive_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.task_alive

test_an_active_task_passes if verdict(sample.send) == {"result": "pass"}

test_it_does_not_apply_to_starting_a_task if {
	verdict(sample.start_task) == {"result": "not_applicable"}
}

test_an_unknown_task_denies if {
	said := verdict(sample.unknown_task)
	said.result == "deny"
	said.code == "unknown_task"
}

test_other_task_actions_need_a_known_task if {
	call := sample.but(sample.complete_task, {"task": {"known": false, "state": ""}})
	verdict(call).code == "unknown_task"
}

test_a_task_that_is_over_denies if {
	every state in ["completed", "expired"] {
		said := verdict(sample.but(sample.send, {"task": {"state": state}}))
		said.result == "deny"
		said.code == "task_ended"
		said.metadata == {"state": state}
	}
}

test_a_revoked_task_denies if {
	said := verdict(sample.but(sample.send, {"task": {"state": "revoked"}}))
	said.result == "deny"
	said.code == "revoked"
}

test_a_state_that_nobody_knows_denies if {
	verdict(sample.but(sample.send, {"task": {"state": "paused"}})) == no_verdict
}

test_a_missing_key_denies if {
	every path in ["task/known", "task/state", "task"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

verdict(call) := said if said := task_alive.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
