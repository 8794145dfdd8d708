package pdp.rules.resource_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.resource

test_a_resource_that_contradicts_nothing_passes if {
	verdict(sample.send) == {"result": "pass"}
	verdict(sample.start_task) == {"result": "pass"}
}

test_a_resource_that_the_arguments_contradict_denies if {
	said := verdict(sample.but(sample.send, {
		"findings": {"resource": {"given": true, "contradicts": true}},
		"asserted": {"resource": {"type": "email", "id": "carol@example.org"}},
	}))
	said.result == "deny"
	said.code == "resource_mismatch"
	said.metadata == {"derived": "email:bob@example.org", "asserted": "email:carol@example.org"}
}

test_a_missing_key_denies if {
	every path in ["findings/resource/contradicts", "findings"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

verdict(call) := said if said := resource.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
