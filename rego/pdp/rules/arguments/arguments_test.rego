package pdp.rules.arguments_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.arguments

test_valid_arguments_pass if {
	verdict(sample.send) == {"result": "pass"}
	verdict(sample.start_task) == {"result": "pass"}
}

test_invalid_arguments_deny_and_name_the_place if {
	said := verdict(sample.but(sample.send, {"findings": {"arguments": {
		"valid": false,
		"path": "/recipients/0",
		"problem": "is not of type string",
	}}}))
	said.result == "deny"
	said.code == "arguments_invalid"
	said.metadata == {"path": "/recipients/0", "problem": "is not of type string"}
}

test_a_missing_key_denies if {
	every path in ["findings/arguments/valid", "findings/arguments", "findings"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

verdict(call) := said if said := arguments.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
