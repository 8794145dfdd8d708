package pdp.rules.approval_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.approval

test_it_does_not_apply_where_nobody_was_asked if verdict(sample.send) == {"result": "not_applicable"}

test_a_denied_approval_denies if {
	said := verdict(answered("denied"))
	said.result == "deny"
	said.code == "approval_denied"
	said.metadata == {"approval": "a-1"}
}

test_a_denied_plan_is_not_asked_again if {
	said := verdict(sample.but(sample.change_phase_with_plan, {"approval": {"id": "a-1", "state": "denied"}}))
	said.code == "approval_denied"
}

test_a_no_can_be_taken_back if {
	every call in [sample.decide_approval, sample.cancel_approval] {
		verdict(sample.but(call, {"approval": {"state": "denied"}})) == {"result": "not_applicable"}
	}
}

test_every_other_answer_leaves_the_call_to_the_other_rules if {
	every state in ["pending", "approved", "expired", "cancelled", "reserved", "consumed"] {
		verdict(answered(state)) == {"result": "pass"}
	}
}

test_a_state_that_nobody_knows_denies if verdict(answered("maybe")) == no_verdict

test_a_missing_key_denies if {
	every path in ["approval/state", "approval"] {
		every call in [sample.send, sample.cancel_approval] {
			verdict(sample.without(call, path)) == no_verdict
		}
	}
}

answered(state) := sample.but(sample.send, {"approval": {"id": "a-1", "state": state}})

verdict(call) := said if said := approval.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
