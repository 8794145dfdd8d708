# METADATA
# title: No guess decides
# description: |
#   A catalogue entry made by an import may hold fields that were guessed without any ground. Where
#   such a field matters for this call, a person confirms it: one question for all of them.
# custom:
#   controls:
#     - ASI02
#     - ASI04
#     - NIST SP 800-207 2.1 tenet 5
#     - MAESTRO L3
#   codes:
#     - inferred_tool
package pdp.rules.inferred

import data.pdp.lib.call
import data.pdp.lib.guess
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.ungrounded == []
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "pass"} if {
	call.kind == "tool"
	is_array(input.tool.ungrounded)
	count(guess.matters) == 0
}

else := result.escalate(rego.metadata.chain(), "inferred_tool", {
	"message": sprintf("%s of tool %s is a guess without grounds", [concat(", ", guess.matters), input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "State these fields of the tool in the catalogue.",
	"metadata": {"fields": concat(",", guess.matters)},
}) if {
	call.kind == "tool"
	is_array(input.tool.ungrounded)
}
