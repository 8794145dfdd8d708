package pdp.rules.phase_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.phase

test_each_phase_allows_its_classes if {
	expected := {
		"plan": {"read"},
		"prepare": {"read", "draft"},
		"execute": {"read", "draft", "write", "send", "execute", "admin"},
	}
	every phase, passing in expected {
		passing == {class | some class in classes; verdict(call_of(phase, class)) == {"result": "pass"}}
	}
}

test_a_draft_that_cannot_be_taken_back_is_no_preparation if {
	draft := {"tool": {"reversible": false}}
	said := verdict(sample.but(call_of("prepare", "draft"), draft))
	said.result == "deny"
	said.code == "outside_phase"
	said.metadata == {"phase": "prepare", "class": "draft"}
	verdict(sample.but(call_of("execute", "draft"), draft)) == {"result": "pass"}
	verdict(sample.but(call_of("plan", "draft"), draft)).code == "outside_phase"
}

test_whether_a_draft_can_be_taken_back_is_asked_about_where_it_is_a_mere_guess if {
	draft := {"tool": {"reversible": false, "ungrounded": ["reversible"]}}
	verdict(sample.but(call_of("prepare", "draft"), draft)) == {"result": "not_applicable"}
	said := verdict(sample.but(call_of("prepare", "draft"), draft)) with data.pdp.manifest.enforce as {}
	said.code == "outside_phase"
}

test_what_a_delegated_task_would_do_is_asked_about if {
	every class in ["write", "send", "execute", "admin"] {
		said := verdict(delegated(call_of("execute", class)))
		said.result == "escalate"
		said.code == "prepare_only"
		said.metadata == {"class": class}
	}
	final := sample.but(call_of("execute", "draft"), {"tool": {"reversible": false}})
	verdict(delegated(final)).code == "prepare_only"
}

test_a_delegated_task_looks_and_prepares if {
	every class in ["read", "draft"] {
		verdict(delegated(call_of("execute", class))) == {"result": "pass"}
		verdict(delegated(call_of("prepare", class))) == {"result": "pass"}
	}
	verdict(delegated(call_of("prepare", "send"))).code == "outside_phase"
}

test_what_a_listed_subject_would_do_is_asked_about if {
	listed := ["agent:spiffe://example.org/*"]
	said := verdict(sample.send) with data.pdp.parameters.task_actions.prepare_only as listed
	said.code == "prepare_only"
	others := verdict(sample.send) with data.pdp.parameters.task_actions.prepare_only as ["agent:bot-*"]
	others == {"result": "pass"}
}

test_what_a_phase_does_not_allow_denies if {
	said := verdict(call_of("plan", "send"))
	said.result == "deny"
	said.code == "outside_phase"
	said.metadata == {"phase": "plan", "class": "send"}
	verdict(call_of("prepare", "write")).code == "outside_phase"
	verdict(call_of("prepare", "admin")).code == "outside_phase"
}

test_a_read_that_goes_out_is_still_looking if {
	verdict(sample.but(call_of("plan", "read"), {"tool": {"egress": true}})) == {"result": "pass"}
}

test_a_class_that_is_a_mere_guess_is_left_to_the_rule_that_asks if {
	every phase in ["plan", "prepare"] {
		verdict(guessed(phase)) == {"result": "not_applicable"}
	}
}

test_a_class_that_is_a_mere_guess_counts_as_the_worst_where_nobody_asks if {
	said := verdict(guessed("plan")) with data.pdp.manifest.enforce as {}
	said.result == "deny"
	said.code == "outside_phase"
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.change_phase, sample.unknown_tool, sample.unknown_task] {
		verdict(call) == {"result": "not_applicable"}
	}
}

test_a_phase_or_class_that_nobody_knows_denies if {
	verdict(call_of("privileged", "read")) == no_verdict
	verdict(call_of("execute", "magic")) == no_verdict
}

test_a_missing_key_denies if {
	every path in ["task/phase", "tool/class", "task/delegated"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
	verdict(sample.without(call_of("prepare", "draft"), "tool/reversible")) == no_verdict
	verdict(sample.without(sample.send, "tool")) == no_verdict
	verdict(sample.without(sample.send, "tool/builtin")).result == "deny"
}

classes := {"read", "draft", "write", "send", "execute", "admin"}

call_of(phase, class) := sample.but(sample.send, {
	"task": {"phase": phase},
	"tool": {"class": class, "reversible": true},
})

delegated(call) := sample.but(call, {"task": {"delegated": true}})

verdict(call) := said if said := phase.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}

guessed(phase) := sample.but(call_of(phase, "admin"), {"tool": {"ungrounded": ["class"]}})
