# METADATA
# title: Nobody vouches for an unregistered task
# description: |
#   A task that no orchestrator started has only an asserted intent. It may read within a closed
#   world and draft; a read that goes out is a send here, because nobody vouches for where it goes.
#   The intent of its first call is pinned.
# custom:
#   controls:
#     - ASI01
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 4
#     - MAESTRO L7
#   codes:
#     - task_unregistered
#     - intent_pinned
package pdp.rules.registration

import data.pdp.lib.call
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.task.registered == true
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := result.deny(rego.metadata.chain(), "intent_pinned", {
	"message": "the call carries another intent than the one that opened this unregistered task",
	"agent_message": "The intent of this work cannot be changed.",
	"remediation": "Have an orchestrator start a task for the new intent.",
}) if {
	input.task.registered == false
	input.task.intent_repinned == true
}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.task.registered == false
	input.task.intent_repinned == false
	harmless
}

else := result.deny(rego.metadata.chain(), "task_unregistered", {
	"message": sprintf("an unregistered task may read and draft only, not %s", [act]),
	"agent_message": "This work is not registered; only reading and drafting is possible.",
	"remediation": "Have an orchestrator start a task with StartTask.",
	"metadata": {"class": input.tool.class},
}) if {
	input.task.registered == false
	input.task.intent_repinned == false
}

harmless if {
	input.tool.class in {"read", "draft"}
	input.tool.egress == false
}

act := "reach what lies outside" if input.tool.class in {"read", "draft"}

else := input.tool.class
