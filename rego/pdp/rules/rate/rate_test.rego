package pdp.rules.rate_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.rate

test_a_principal_within_its_rates_passes if {
	verdict(sample.send) == {"result": "pass"}
	verdict(used(sample.send, 599, 119)) == {"result": "pass"}
}

test_too_many_calls_in_a_minute_deny if {
	every call in [sample.send, sample.read] {
		said := verdict(used(call, 600, 0))
		said.result == "deny"
		said.code == "rate_exceeded"
		said.metadata == {"rate": "calls", "used": "600", "max": "600"}
	}
}

test_too_many_effects_in_a_minute_deny_what_has_an_effect if {
	said := verdict(used(sample.send, 200, 120))
	said.result == "deny"
	said.code == "rate_exceeded"
	said.metadata == {"rate": "effects", "used": "120", "max": "120"}
	verdict(used(sample.read, 200, 120)) == {"result": "pass"}
	fetch := sample.but(sample.read, {"tool": {"egress": true}})
	verdict(used(fetch, 200, 120)).code == "rate_exceeded"
}

test_the_rates_are_parameters if {
	said := verdict(used(sample.send, 5, 0)) with data.pdp.parameters.rate.calls_per_minute as 5
	said.code == "rate_exceeded"
}

test_development_knows_no_rates if {
	call := sample.but(used(sample.send, 100000, 100000), {"settings": {"development": true}})
	verdict(call) == {"result": "not_applicable"}
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(used(call, 600, 600)) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["ledger/principal/minute_calls", "ledger/principal/minute_effects"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
	every path in ["settings/development", "tool/builtin", "tool/class"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
}

used(call, calls, effects) := sample.but(
	call,
	{"ledger": {"principal": {"minute_calls": calls, "minute_effects": effects}}},
)

verdict(call) := said if said := rate.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
