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
#     - inferred_tool
package pdp.rules.registration

import data.pdp.lib.call
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.task.registered == true
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := result.deny(rego.metadata.chain(), "intent_pinned", {
	"message": "the call carries another intent than the one that opened this unregistered task",
	"agent_message": "The intent of this work cannot be changed.",
	"remediation": "Have an orchestrator start a task for the new intent.",
}) if {
	input.task.registered == false
	input.task.intent_repinned == true
}

else := {"result": "pass"} if {
	input.task.registered == false
	input.task.intent_repinned == false
	harmless
}

else := result.escalate(rego.metadata.chain(), "inferred_tool", {
	"message": "an unregistered task may read and draft only, and what this tool does is a guess",
	"agent_message": "A person has to confirm this call.",
	"remediation": "State what the tool does in the catalogue.",
	"metadata": {"fields": concat(",", guessed_fields)},
}) if {
	input.task.registered == false
	input.task.intent_repinned == false
	count(guessed_fields) > 0
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

harmless if input.tool.class == "draft"

harmless if {
	input.tool.class == "read"
	input.tool.egress == false
}

# What would make the call harmless if the guess were wrong.
guessed_fields contains "class" if call.guessed("class")

guessed_fields contains "egress" if {
	input.tool.class == "read"
	call.guessed("egress")
}

act := "read what lies outside" if input.tool.class == "read"

else := input.tool.class
