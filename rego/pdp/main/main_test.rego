package pdp.main_test

import data.pdp.lib.sample_test as sample
import data.pdp.main

# The samples through all rules.

test_the_samples_are_allowed_by_the_rule_that_covers_them if {
	every call in [sample.send, sample.read, sample.pay, sample.delete, sample.unregistered_read] {
		said := main.decision with input as call
		said.decision == "allow"
		codes(said) == ["within_intent"]
		said.escalation == null
		said.terms == null
	}
	every call in [sample.start_task, sample.change_phase, sample.complete_task] {
		said := main.decision with input as call
		said.decision == "allow"
		codes(said) == ["task_action"]
	}
	every call in [sample.decide_approval, sample.cancel_approval, sample.revoke_task, sample.revoke_grant] {
		said := main.decision with input as call
		said.decision == "allow"
		codes(said) == ["approval_action"]
	}
}

test_a_plan_is_one_question_that_is_answered_as_it_is if {
	said := main.decision with input as sample.change_phase_with_plan
	said.decision == "escalate"
	codes(said) == ["plan_escalates"]
	said.terms == null
	flooded := main.decision with input as sample.but(
		sample.change_phase_with_plan,
		{"ledger": {"task": {"escalations": 20}}},
	)
	codes(flooded) == ["escalation_flood"]
}

test_a_plan_of_whoever_may_not_raise_the_phase_is_no_question if {
	said := main.decision with input as sample.but(sample.change_phase_with_plan, {"caller": {"roles": ["pep"]}})
	said.decision == "deny"
	codes(said) == ["role_missing"]
}

test_a_draft_that_may_not_be_taken_back_is_one_question_in_prepare if {
	call := sample.but(sample.read, {
		"task": {"phase": "prepare"},
		"tool": {"class": "draft", "reversible": false, "ungrounded": ["reversible"]},
	})
	said := main.decision with input as call
	said.decision == "escalate"
	codes(said) == ["inferred_tool"]
	known := main.decision with input as sample.but(call, {"tool": {"ungrounded": []}})
	codes(known) == ["outside_phase"]
}

test_a_payment_to_an_account_in_untrusted_output_is_one_question_with_its_reasons if {
	call := sample.carrying(sample.pay, [
		sample.argument("/recipient", "sink", "untrusted"),
		sample.argument("/amount", "amount", "untrusted"),
	])
	said := main.decision with input as call
	said.decision == "escalate"
	{code | some code in codes(said)} == {"irreversible", "sink_untrusted"}
	said.escalation == {
		"approvers": ["approver"],
		"needed": 1,
		"ttl_s": 3600,
		"use_s": 900,
		"max_uses": 1,
		"max_ttl_s": 3600,
	}
}

test_a_question_beyond_the_tasks_bound_is_denied_for_that if {
	call := sample.but(sample.send, {"goal": {"asked": false, "delegates": true}})
	said := main.decision with input as call
	codes(said) == ["not_in_goal"]
	flooded := main.decision with input as sample.but(call, {"ledger": {"task": {"escalations": 20}}})
	flooded.decision == "deny"
	codes(flooded) == ["escalation_flood"]
}

test_guesses_are_one_question_whatever_the_phase if {
	every phase in ["plan", "prepare", "execute"] {
		call := sample.but(sample.send, {
			"task": {"phase": phase},
			"tool": {"class": "admin", "ungrounded": ["class", "reversible"]},
		})
		said := main.decision with input as call
		said.decision == "escalate"
		codes(said) == ["inferred_tool"]
		said.reasons[0].metadata == {"fields": "class,reversible"}
	}
}

test_only_a_started_task_has_terms if {
	said := main.decision with input as sample.start_task
	said.terms.phase == "plan"
	every call in [sample.change_phase, sample.complete_task, sample.send] {
		other := main.decision with input as call
		other.terms == null
	}
}

test_what_is_not_known_is_denied_for_that_and_nothing_else if {
	said := main.decision with input as sample.unknown_tool
	said.decision == "deny"
	codes(said) == ["unknown_tool"]
	other := main.decision with input as sample.unknown_task
	codes(other) == ["unknown_task"]
}

test_all_denials_are_given if {
	call := sample.but(sample.send, {
		"task": {"phase": "plan", "intent": {"tools": ["read_*"]}},
		"call": {"final": true},
		"goal": {"asked": false, "delegates": true},
		"sensitivity": 4,
	})
	said := main.decision with input as call
	said.decision == "deny"
	codes(said) == ["outside_intent", "outside_phase", "above_sensitivity"]
	said.verdicts.irreversible == "escalate"
	said.escalation == null
}

test_every_rule_that_is_enforced_is_listed if {
	said := main.decision with input as sample.send
	object.keys(said.verdicts) == object.keys(data.pdp.manifest.enforce)
	said.shadow == {}
}

test_an_empty_input_denies if {
	said := main.decision with input as {}
	said.decision == "deny"
	every code in codes(said) {
		code == "policy_error"
	}
}

# Rules made up for the test, combined.

test_allow_needs_a_rule_that_grants if {
	said := decision({"a": pass, "b": {"result": "not_applicable"}})
	said.decision == "deny"
	codes(said) == ["not_granted"]
}

test_a_rule_that_does_not_apply_grants_nothing if {
	said := decision({"a": {"result": "not_applicable"}, "g": {"result": "not_applicable"}})
	codes(said) == ["not_granted"]
}

test_an_escalation_needs_a_rule_that_grants if {
	said := decision({"a": ask, "g": {"result": "not_applicable"}})
	said.decision == "deny"
}

test_a_grant_without_a_code_grants_nothing if {
	said := decision({"a": pass, "g": pass})
	said.decision == "deny"
	codes(said) == ["not_granted"]
}

test_pass_and_a_grant_allow if {
	said := decision({"a": pass, "g": grant})
	said.decision == "allow"
	said.reasons == [{
		"code": "granted",
		"message": "",
		"agent_message": "",
		"remediation": "",
		"rule": "g",
		"controls": [],
		"metadata": {},
	}]
	said.verdicts == {"a": "pass", "g": "pass"}
}

test_a_denial_beats_an_escalation if {
	said := decision({"a": ask, "d": deny, "g": grant})
	said.decision == "deny"
	codes(said) == ["denied"]
	said.verdicts == {"a": "escalate", "d": "deny", "g": "pass"}
}

test_faults_come_before_denials if {
	said := decision({"d": deny, "z": {"result": "deny", "code": "policy_error"}, "g": grant})
	codes(said) == ["policy_error", "denied"]
	said.reasons[0].rule == "z"
}

test_a_rule_without_a_verdict_denies_and_is_named if {
	said := main.decision with input as sample.send
		with data.pdp.manifest.enforce as object.union(
			data.pdp.manifest.enforce,
			{"nowhere": {"root": "acme", "name": "nowhere"}},
		)
	said.decision == "deny"
	codes(said) == ["policy_error"]
	said.reasons[0].rule == "nowhere"
}

test_a_verdict_that_is_none_denies if {
	every verdict in [
		{},
		{"result": "allow", "code": "x"},
		{"result": "PASS"},
		{"result": true},
		{"result": null},
		{"result": "deny"},
		{"result": "escalate"},
		"pass",
		[],
		null,
		true,
	] {
		said := decision({"a": verdict, "g": grant})
		said.decision == "deny"
		codes(said) == ["policy_error"]
		said.reasons[0].rule == "a"
	}
}

test_a_rule_in_shadow_is_listed_and_never_decides if {
	said := main.decision with input as {}
		with data.pdp.manifest as {
			"enforce": {"g": {"root": "made", "name": "g"}},
			"shadow": {"s": {"root": "made", "name": "s"}, "t": {"root": "made", "name": "t"}},
			"off": {"o": {"root": "made", "name": "o"}},
			"grants": ["g", "t"],
		}
		with data.made.rules as {
			"g": {"verdict": grant},
			"s": {"verdict": deny},
			"t": {"verdict": grant},
			"o": {"verdict": deny},
		}
	said.decision == "allow"
	said.verdicts == {"g": "pass"}
	said.shadow == {"s": "deny", "t": "pass"}
}

test_a_rule_in_shadow_grants_nothing if {
	said := main.decision with input as {}
		with data.pdp.manifest as {
			"enforce": {"a": {"root": "made", "name": "a"}},
			"shadow": {"g": {"root": "made", "name": "g"}},
			"off": {},
			"grants": ["g"],
		}
		with data.made.rules as {"a": {"verdict": pass}, "g": {"verdict": grant}}
	said.decision == "deny"
	codes(said) == ["not_granted"]
}

test_without_a_manifest_everything_is_denied if {
	said := main.decision with input as sample.send with data.pdp.manifest as {}
	said.decision == "deny"
	codes(said) == ["policy_error"]
}

test_without_rules_everything_is_denied if {
	said := decision({})
	said.decision == "deny"
}

test_the_strictest_escalation_counts if {
	said := decision({
		"a": object.union(ask, {"approval": {
			"needed": 2,
			"ttl_s": 7200,
			"approvers": ["approver", "owner"],
			"use_s": 86400,
			"max_uses": 5,
		}}),
		"b": object.union(ask, {"approval": {"needed": 1, "ttl_s": 600, "max_uses": 3, "max_ttl_s": 60}}),
		"c": ask,
		"g": grant,
	})
	said.decision == "escalate"
	said.escalation == {
		"approvers": ["approver"],
		"needed": 2,
		"ttl_s": 600,
		"use_s": 900,
		"max_uses": 3,
		"max_ttl_s": 60,
	}
	codes(said) == ["asked", "asked", "asked"]
}

test_who_is_asked_and_what_they_may_give_are_parameters if {
	named := {
		"approvers": ["user:carol", "user:dave", "owner"],
		"needed": 2,
		"ttl_s": 60,
		"use_s": 30,
		"max_uses": 1,
		"max_ttl_s": 10,
	}
	said := decision({"a": ask, "g": grant}) with data.pdp.parameters.approval as named
	said.escalation == named
}

test_a_bound_that_is_no_number_denies if {
	every key in ["needed", "ttl_s", "use_s", "max_uses", "max_ttl_s"] {
		every bound in ["1", null, [1], true] {
			said := decision({"a": object.union(ask, {"approval": {key: bound}}), "g": grant})
			said.decision == "deny"
			codes(said) == ["policy_error"]
		}
	}
}

test_an_escalation_that_nobody_may_answer_denies if {
	said := decision({
		"a": object.union(ask, {"approval": {"approvers": ["owner"]}}),
		"g": grant,
	})
	said.decision == "deny"
	codes(said) == ["policy_error"]
}

pass := {"result": "pass"}

grant := {"result": "pass", "code": "granted"}

ask := {"result": "escalate", "code": "asked"}

deny := {"result": "deny", "code": "denied"}

decision(verdicts) := said if {
	said := main.decision with input as {}
		with data.pdp.manifest as {
			"enforce": {id: {"root": "made", "name": id} | some id, _ in verdicts},
			"shadow": {},
			"off": {},
			"grants": ["g"],
		}
		with data.made.rules as {id: {"verdict": verdict} | some id, verdict in verdicts}
}

codes(said) := [reason.code | some reason in said.reasons]
