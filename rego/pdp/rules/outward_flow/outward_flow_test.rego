package pdp.rules.outward_flow_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.outward_flow

test_those_whom_the_principal_named_may_have_everything if {
	every call in [sample.send, private(sample.send), mailing("principal", "unknown", 4)] {
		verdict(call) == {"result": "pass"}
	}
}

test_somebody_that_trusted_output_gives_beside_a_name_of_the_principals_is_named if {
	call := mailing("trusted", "unknown", 4)
	known := sample.carrying(call, [
		object.union(call.provenance.arguments[0], {"named": true}),
		call.provenance.arguments[1],
	])
	verdict(known) == {"result": "pass"}
}

test_part_of_a_sensitive_output_to_others_denies if {
	every origin in ["untrusted", "unknown"] {
		every level in [3, 4] {
			said := verdict(mailing(origin, "untrusted", level))
			said.result == "deny"
			said.code == "outward_flow"
			said.metadata.arguments == "/body"
		}
		verdict(mailing(origin, "untrusted", 2)) == {"result": "pass"}
	}
}

test_one_stranger_among_those_named_is_enough if {
	call := mailing("principal", "untrusted", 3)
	crowd := sample.carrying(call, array.concat(
		call.provenance.arguments,
		[sample.argument("/cc/0", "sink", "unknown")],
	))
	verdict(crowd).result == "deny"
}

test_part_of_a_sensitive_output_to_one_found_by_a_name_escalates if {
	call := mailing("untrusted", "untrusted", 3)
	to := object.union(call.provenance.arguments[0], {"named": true, "pointed": false})
	verdict(sample.carrying(call, [to, call.provenance.arguments[1]])).result == "escalate"
	spoken := object.union(to, {"pointed": true})
	verdict(sample.carrying(call, [spoken, call.provenance.arguments[1]])).result == "deny"
}

test_a_value_of_the_output_that_gave_the_recipient_escalates if {
	call := mailing("untrusted", "untrusted", 3)
	given := [object.union(one, {"source": "d-1", "exists": true}) | some one in call.provenance.arguments]
	verdict(sample.carrying(call, given)).result == "escalate"
	other := object.union(given[1], {"source": "d-2"})
	verdict(sample.carrying(call, [given[0], other])).result == "deny"
}

test_reading_the_link_that_one_shared_whom_the_principal_names_passes if {
	link := object.union(
		sample.argument("/url", "sink", "untrusted"),
		{"holds": "url", "exists": true, "named": true},
	)
	call := sample.carrying(
		sample.but(private(sample.read), {
			"tool": {"egress": true},
			"ledger": {"task": {"untrusted": true}},
		}),
		[link],
	)
	verdict(call) == {"result": "pass"}
	verdict(sample.carrying(call, [object.union(link, {"named": false})])).result == "escalate"
}

test_a_sensitive_value_inside_the_content_counts_as_well if {
	call := mailing("unknown", "unknown", 0)
	body := object.union(call.provenance.arguments[1], {"embedded": [{
		"kind": "email", "value": "a@b.example", "origin": "untrusted", "source": "d-1", "sensitivity": 3,
	}]})
	verdict(sample.carrying(call, [call.provenance.arguments[0], body])).result == "deny"
}

test_what_the_principal_said_as_well_is_no_secret if {
	verdict(mailing("unknown", "principal", 3)) == {"result": "pass"}
}

test_part_of_a_sensitive_output_to_somebody_trusted_escalates if {
	verdict(mailing("trusted", "untrusted", 3)).result == "escalate"
}

test_part_of_a_sensitive_output_to_no_recipient_escalates if {
	call := mailing("none", "untrusted", 3)
	said := verdict(call)
	said.result == "escalate"
	said.code == "outward_flow"
}

test_free_text_after_a_sensitive_read_escalates_to_strangers if {
	every origin in ["trusted", "untrusted", "unknown"] {
		verdict(private(mailing(origin, "unknown", 0))).result == "escalate"
		verdict(mailing(origin, "unknown", 0)) == {"result": "pass"}
	}
}

test_text_of_the_principals_own_after_a_sensitive_read_passes_until_untrusted_material_comes_in if {
	call := private(mailing("trusted", "principal", 0))
	verdict(call) == {"result": "pass"}
	every ledger in ["task", "pair"] {
		verdict(sample.but(call, {"ledger": {ledger: {"untrusted": true}}})).result == "escalate"
	}
}

test_a_read_that_goes_out_with_free_text_escalates_after_private_and_untrusted_material if {
	search := sample.carrying(
		sample.but(private(sample.read), {"tool": {"egress": true}}),
		[sample.argument("/query", "content", "unknown")],
	)
	verdict(search) == {"result": "pass"}
	tainted := sample.but(search, {"ledger": {"task": {"untrusted": true}}})
	verdict(tainted).result == "escalate"
	asked := sample.carrying(tainted, [sample.argument("/query", "content", "principal")])
	verdict(asked) == {"result": "pass"}
	verdict(sample.but(tainted, {"ledger": {"task": {"sensitivity": 2}}})) == {"result": "pass"}
}

test_a_send_without_recipients_passes_free_text if {
	call := sample.but(private(mailing("none", "unknown", 0)), {"ledger": {"task": {"untrusted": true}}})
	verdict(call) == {"result": "pass"}
}

test_after_content_led_the_task_to_what_it_read_its_own_text_escalates_to_anybody if {
	every to in ["principal", "trusted", "none"] {
		every origin in ["untrusted", "unknown"] {
			said := verdict(led(mailing(to, origin, 0)))
			said.result == "escalate"
			said.code == "outward_flow"
			said.metadata.arguments == "/body"
		}
	}
	verdict(led(sample.send)).result == "escalate"
}

test_after_content_led_the_task_what_the_principal_or_trusted_output_said_may_still_go if {
	every origin in ["principal", "trusted", "none"] {
		verdict(led(mailing("principal", origin, 0))) == {"result": "pass"}
	}
}

test_after_content_led_the_task_a_thing_sent_by_its_identifier_escalates if {
	call := led(sample.carrying(sample.send, [object.union(
		sample.argument("/draft_id", "identifier", "untrusted"),
		{"exists": true, "named": true},
	)]))
	verdict(call).result == "escalate"
	verdict(sample.but(call, {"tool": {"class": "write"}})) == {"result": "pass"}
	named := led(sample.carrying(sample.send, [sample.argument("/draft_id", "identifier", "principal")]))
	verdict(named) == {"result": "pass"}
}

test_after_content_led_the_task_what_stays_inside_is_no_matter if {
	verdict(sample.but(led(mailing("unknown", "untrusted", 0)), {"tool": {"egress": false}})) == {"result": "not_applicable"}
}

test_a_read_that_content_led_to_and_that_may_carry_something_escalates if {
	call := sample.but(sample.read, {"provenance": {"led": "resource"}})
	verdict(call) == {"result": "not_applicable"}
	said := verdict(sample.but(call, {"provenance": {"carries": ["/path"]}}))
	said.result == "escalate"
	said.code == "outward_flow"
	said.metadata.arguments == "/path"
}

test_it_does_not_apply_to_what_stays_inside if {
	call := sample.but(mailing("unknown", "untrusted", 4), {"tool": {"egress": false}})
	verdict(call) == {"result": "not_applicable"}
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool] {
		verdict(call) == {"result": "not_applicable"}
	}
	unknown := sample.but(mailing("unknown", "untrusted", 4), {"task": {"known": false}})
	verdict(unknown) == {"result": "not_applicable"}
}

test_what_nobody_registered_is_left_to_the_rule_about_it if {
	call := sample.but(mailing("unknown", "untrusted", 4), {"task": {"registered": false}})
	verdict(call) == {"result": "not_applicable"}
}

test_a_missing_key_is_no_pass if {
	paths := [
		"provenance", "provenance/arguments", "provenance/led_before", "provenance/carries",
		"tool/egress", "ledger/task/sensitivity",
	]
	every path in paths {
		verdict(sample.without(private(mailing("unknown", "unknown", 0)), path)).result != "pass"
	}
	every key in ["kind", "origin", "sensitivity", "embedded"] {
		path := concat("/", ["provenance/arguments/1", key])
		verdict(sample.without(mailing("unknown", "untrusted", 3), path)).result != "pass"
	}
}

led(call) := sample.but(call, {"provenance": {"led_before": true}})

# One recipient of some origin gets a text of some origin, which holds part of an output so sensitive.
mailing(to, origin, level) := sample.carrying(sample.send, [
	sample.argument("/recipients/0", "sink", to),
	object.union(sample.argument("/body", "content", origin), {"sensitivity": level}),
])

private(call) := sample.but(call, {"ledger": {"task": {"sensitivity": 3}}})

verdict(call) := said if said := outward_flow.verdict with input as call
