package pdp.rules.definition_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.definition

test_an_unchanged_definition_passes if verdict(sample.send) == {"result": "pass"}

test_a_changed_definition_denies if {
	said := verdict(sample.but(sample.send, {"findings": {"definition": {"changed": true}}}))
	said.result == "deny"
	said.code == "tool_changed"
}

test_no_digest_is_unchecked if verdict(unchecked) == {"result": "not_applicable"}

test_no_digest_denies_where_one_is_demanded if {
	said := verdict(unchecked) with data.pdp.parameters.definition.require_digest as true
	said.result == "deny"
	said.code == "digest_missing"
}

test_a_parameter_of_another_type_denies if {
	every value in ["yes", null, 0] {
		said := verdict(unchecked) with data.pdp.parameters.definition.require_digest as value
		said == no_verdict
	}
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.unknown_tool] {
		changed := sample.but(call, {"findings": {"definition": {"changed": true}}})
		verdict(changed) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["findings/definition/given", "findings/definition/changed", "tool/builtin"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

unchecked := sample.but(sample.send, {"findings": {"definition": {"given": false}}})

verdict(call) := said if said := definition.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
