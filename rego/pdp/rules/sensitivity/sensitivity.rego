# METADATA
# title: The sensitivity is within the intent
# description: |
#   The effective sensitivity is at most the intent's. An intent that does not say reaches up to
#   CONFIDENTIAL.
# custom:
#   controls:
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 4
#     - MAESTRO L2
#   codes:
#     - above_sensitivity
#     - inferred_tool
package pdp.rules.sensitivity

import data.pdp.lib.call
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	allowed[input.task.intent.max_sensitivity][input.sensitivity]
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := result.escalate(rego.metadata.chain(), "inferred_tool", {
	"message": sprintf("the sensitivity of %s is a guess without grounds, so it counts as the worst", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "State the tool's sensitivity in the catalogue.",
	"metadata": {"fields": "sensitivity"},
}) if {
	call.kind == "tool"
	denied[bound][input.sensitivity]
	not denied[bound][input.asserted.resource.sensitivity]
	input.sensitivity == input.tool.sensitivity
	call.guessed("sensitivity")
}

else := result.deny(rego.metadata.chain(), "above_sensitivity", {
	"message": sprintf("the call touches %s data, the intent reaches up to %s", [names[input.sensitivity], names[bound]]),
	"agent_message": "The data is more sensitive than the task allows.",
	"remediation": "Start a task whose intent allows this sensitivity, if the work needs it.",
	"metadata": {"sensitivity": names[input.sensitivity], "max_sensitivity": names[bound]},
}) if {
	denied[bound][input.sensitivity]
}

# Tables and not comparisons: in Rego anything compares with anything, null is below every number.
allowed := {0: {1, 2, 3}, 1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 3, 4}}

denied := {1: {2, 3, 4}, 2: {3, 4}, 3: {4}, 4: set()}

bound := 3 if input.task.intent.max_sensitivity == 0

else := input.task.intent.max_sensitivity

names := {1: "PUBLIC", 2: "INTERNAL", 3: "CONFIDENTIAL", 4: "RESTRICTED"}
