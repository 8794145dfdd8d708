# METADATA
# title: What cannot be taken back is asked about
# description: |
#   An irreversible act escalates, unless it is a send that moves no value (every message would be a
#   question) or an orchestrator's intent names exactly this tool, without a glob.
# custom:
#   controls:
#     - ASI02
#     - ASI09
#     - NIST SP 800-207 2.1 tenet 6
#     - MAESTRO L7
#   codes:
#     - irreversible
package pdp.rules.irreversible

import data.pdp.lib.call
import data.pdp.lib.guess
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.reversible == true
}

else := {"result": "not_applicable"} if {
	input.tool.builtin == false
	input.tool.class in {"read", "draft"}
}

else := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class == "send"
	input.tool.moves_value == false
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "pass"} if {
	call.kind == "tool"
	named
}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	"reversible" in guess.asked
}

else := result.escalate(rego.metadata.chain(), "irreversible", {
	"message": sprintf("%s cannot be taken back", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call, or name the tool literally in the intent of tasks that need it.",
	"metadata": {"class": input.tool.class},
}) if {
	call.kind == "tool"
	input.tool.reversible == false
	input.tool.class in call.effectful
}

named if {
	input.task.registered == true
	input.tool.name in input.task.intent.tools
	not regex.match(`[*?\[\]{}!\\]`, input.tool.name)
}
