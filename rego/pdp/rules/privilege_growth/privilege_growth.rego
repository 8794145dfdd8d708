# METADATA
# title: Privilege does not grow on the word of untrusted material
# description: |
#   A task's first execution or administrative act, after untrusted material has come in, must be what
#   the goal asks for in words. Where only a list of tools or a goal that leaves the choice to others
#   covers it, a person is asked.
# custom:
#   controls:
#     - ASI03
#     - ASI10
#     - NIST SP 800-207 2.1 tenet 6
#     - MAESTRO L7
#   codes:
#     - privilege_growth
package pdp.rules.privilege_growth

import data.pdp.lib.call
import data.pdp.lib.guess
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class in {"read", "draft", "write", "send"}
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.goal.asked == true
}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.ledger.task.untrusted == false
	input.ledger.pair.untrusted == false
}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.ledger.task.reach - rank[input.tool.class] >= 0
}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	"class" in guess.asked
}

else := result.escalate(rego.metadata.chain(), "privilege_growth", {
	"message": sprintf("%s would be the task's first tool of class %s, after untrusted material and not in the goal's words", [input.tool.name, input.tool.class]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if the task needs it, or say so in the goal of such tasks.",
	"metadata": {"class": input.tool.class},
}) if {
	call.kind == "tool"
	rank[input.tool.class]
}

# As ledger.task.reach counts.
rank := {"execute": 5, "admin": 6}
