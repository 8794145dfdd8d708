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
	every path in ["task/phase", "tool/class"] {
		verdict(sample.without(sample.send, path)) == no_verdict
	}
	verdict(sample.without(sample.send, "tool")) == no_verdict
	verdict(sample.without(sample.send, "tool/builtin")).result == "deny"
}

classes := {"read", "draft", "write", "send", "execute", "admin"}

call_of(phase, class) := sample.but(sample.send, {"task": {"phase": phase}, "tool": {"class": class}})

verdict(call) := said if said := phase.verdict with input as call

no_verdict := {"result": "deny", "code": "policy_error"}

guessed(phase) := sample.but(call_of(phase, "admin"), {"tool": {"ungrounded": ["class"]}})
