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
package pdp.rules.sensitivity

import data.pdp.lib.call
import data.pdp.lib.guess
import data.pdp.lib.level
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	{0: {1, 2, 3}, 1: {1}, 2: {1, 2}, 3: {1, 2, 3}, 4: {1, 2, 3, 4}}[input.task.intent.max_sensitivity][input.sensitivity]
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	"sensitivity" in guess.asked
}

else := result.deny(rego.metadata.chain(), "above_sensitivity", {
	"message": sprintf("the call touches %s data, the intent reaches up to %s", [level.names[input.sensitivity], level.names[level.bound]]),
	"agent_message": "The data is more sensitive than the task allows.",
	"remediation": "Start a task whose intent allows this sensitivity, if the work needs it.",
	"metadata": {"sensitivity": level.names[input.sensitivity], "max_sensitivity": level.names[level.bound]},
}) if {
	level.above[level.bound][input.sensitivity]
}
