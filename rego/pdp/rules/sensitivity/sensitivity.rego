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
	input.sensitivity >= 1
	input.sensitivity <= bound
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := result.escalate(rego.metadata.chain(), "inferred_tool", {
	"message": sprintf("the sensitivity of %s is a guess without grounds, so it counts as the worst", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "State the tool's sensitivity in the catalogue.",
	"metadata": {"fields": "sensitivity"},
}) if {
	input.sensitivity > bound
	input.asserted.resource.sensitivity <= bound
	input.sensitivity == input.tool.sensitivity
	call.guessed("sensitivity")
}

else := result.deny(rego.metadata.chain(), "above_sensitivity", {
	"message": sprintf("the call touches %s data, the intent reaches up to %s", [names[input.sensitivity], names[bound]]),
	"agent_message": "The data is more sensitive than the task allows.",
	"remediation": "Start a task whose intent allows this sensitivity, if the work needs it.",
	"metadata": {"sensitivity": names[input.sensitivity], "max_sensitivity": names[bound]},
}) if {
	input.sensitivity > bound
}

# Numbers compare with anything in Rego (null is below every number): both sides are known levels.
bound := input.task.intent.max_sensitivity if input.task.intent.max_sensitivity in {1, 2, 3, 4}

else := 3 if input.task.intent.max_sensitivity == 0

names := {1: "PUBLIC", 2: "INTERNAL", 3: "CONFIDENTIAL", 4: "RESTRICTED"}
