package pdp.main_explanation_test

import data.pdp.lib.sample_test as sample
import data.pdp.main

rules(call) := {said.rule: said | some said in explained.rules} if {
	explained := main.explanation with input as call
}

test_the_decision_is_the_one_that_is_explained if {
	every call in [sample.send, sample.pay, sample.start_task, sample.unknown_tool, {}] {
		explained := main.explanation with input as call
		decided := main.decision with input as call
		explained.decision == decided
	}
}

test_every_rule_of_the_manifest_is_told_once if {
	explained := main.explanation with input as sample.send
	told := [said.rule | some said in explained.rules]
	count(told) == count({rule | some rule in told})
	{rule | some rule in told} == {id | some mode in ["enforce", "shadow", "off"]; some id in object.keys(data.pdp.manifest[mode])}
}

test_a_rule_that_passes_without_a_word_is_told if {
	rules(sample.send).budget == {
		"rule": "budget",
		"mode": "enforce",
		"grants": false,
		"result": "pass",
		"code": "",
		"message": "",
		"agent_message": "",
		"remediation": "",
		"controls": [],
		"metadata": {},
	}
}

test_what_a_rule_says_is_told_whole if {
	said := rules(sample.unknown_tool).tool_known
	said.result == "deny"
	said.code == "unknown_tool"
	said.message != ""
	"ASI02" in said.controls
	said.metadata.tool == sample.unknown_tool.tool.name
	rules(sample.send).intent.grants == true
}

test_rules_in_shadow_and_off_are_told_as_such if {
	shadowed := object.union(data.pdp.manifest, {"shadow": {"hours": {"root": "pdp", "name": "budget"}}})
	manifest := object.union(shadowed, {"off": {"nights": {"root": "pdp", "name": "rate"}}})
	explained := main.explanation with input as sample.send with data.pdp.manifest as manifest
	told := {said.rule: said | some said in explained.rules}
	told.hours.mode == "shadow"
	told.hours.result == "pass"
	told.nights.mode == "off"
	told.nights.result == ""
}

test_a_rule_that_is_not_there_denies if {
	manifest := object.union(data.pdp.manifest, {"enforce": {"hours": {"root": "pdp", "name": "hours"}}})
	explained := main.explanation with input as sample.send with data.pdp.manifest as manifest
	some said in explained.rules
	said.rule == "hours"
	said.result == "deny"
	said.code == "policy_error"
	explained.decision.decision == "deny"
}
