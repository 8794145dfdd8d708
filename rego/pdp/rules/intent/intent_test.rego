package pdp.rules.intent_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.intent

test_an_intent_that_names_nothing_covers_every_tool_and_resource if {
	said := verdict(sample.send)
	said.result == "pass"
	said.code == "within_intent"
}

test_a_grant_tells_the_same_controls_as_a_denial if {
	granted := verdict(sample.send)
	granted.controls == verdict(limited(["read_*"], [])).controls
	count(granted.controls) > 0
}

test_tools_are_matched_as_globs_that_nothing_delimits if {
	every pattern in ["send_email", "send_*", "*", "{read,send}_email", "s?nd_email"] {
		verdict(limited([pattern], [])).result == "pass"
	}
	dotted := sample.but(limited(["mail*"], []), {"tool": {"name": "mail.send/now"}})
	verdict(dotted).result == "pass"
}

test_a_tool_that_is_not_named_denies if {
	every pattern in ["send", "read_*", "SEND_EMAIL", "mail/send_email"] {
		said := verdict(limited([pattern], []))
		said.result == "deny"
		said.code == "outside_intent"
		said.metadata.limit == "tools"
	}
}

test_resources_are_matched_as_globs_that_only_slashes_delimit if {
	every pattern in ["email:*", "email:*@example.org", "*", "email:bob@example.org"] {
		verdict(limited([], [pattern])).result == "pass"
	}
	file := {"resource": {"type": "path", "id": "/home/alice/notes.txt"}}
	verdict(sample.but(limited([], ["path:/home/**"]), file)).result == "pass"
	verdict(sample.but(limited([], ["path:/home/*"]), file)).code == "outside_intent"
}

test_a_resource_that_is_not_named_denies if {
	said := verdict(limited([], ["email:*@example.net"]))
	said.result == "deny"
	said.code == "outside_intent"
	said.metadata == {"limit": "resources", "resource": "email:bob@example.org"}
}

test_one_of_several_globs_is_enough if {
	verdict(limited(["read_*", "send_*"], ["path:**", "email:*"])).result == "pass"
}

test_tool_and_resource_have_to_be_covered_both if {
	verdict(limited(["send_*"], ["path:**"])).result == "deny"
	verdict(limited(["read_*"], ["email:*"])).result == "deny"
}

test_it_does_not_grant_task_actions_nor_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool, sample.unknown_task] {
		verdict(call) == {"result": "not_applicable"}
	}
}

test_a_missing_key_denies if {
	every path in ["task/intent/tools", "task/intent/resources", "tool/known", "tool/builtin", "task/known"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
	verdict(sample.without(limited([], ["*"]), "resource/type")) == no_verdict
}

limited(tools, resources) := sample.but(
	sample.send,
	{"task": {"intent": {"tools": tools, "resources": resources}}},
)

verdict(call) := said if said := intent.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}
