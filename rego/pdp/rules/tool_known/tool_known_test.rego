package pdp.rules.tool_known_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.tool_known

test_a_known_tool_passes if {
	verdict(sample.send) == {"result": "pass"}
	verdict(sample.start_task) == {"result": "pass"}
}

test_an_unknown_tool_denies if {
	said := verdict(sample.unknown_tool)
	said.result == "deny"
	said.code == "unknown_tool"
	said.metadata.tool == "summon_demon"
}

test_an_ambiguous_tool_denies if {
	said := verdict(sample.but(sample.unknown_tool, {"tool": {"ambiguous": true}}))
	said.result == "deny"
	said.code == "tool_ambiguous"
}

test_a_missing_key_denies if {
	every path in ["tool/known", "tool/ambiguous", "tool"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

verdict(call) := said if said := tool_known.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
