# METADATA
# title: The arguments are valid
# description: The arguments hold to the tool's schema, as found before any rule looked at them.
# custom:
#   controls:
#     - ASI02
#     - ASI05
#     - NIST SP 800-207 2.1 tenet 6
#     - MAESTRO L3
#   codes:
#     - arguments_invalid
package pdp.rules.arguments

import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if input.findings.arguments.valid == true

else := result.deny(rego.metadata.chain(), "arguments_invalid", {
	"message": sprintf(
		"arguments of %s at %q: %s",
		[input.tool.name, input.findings.arguments.path, input.findings.arguments.problem],
	),
	"agent_message": sprintf("The arguments do not match the tool's schema at %q.", [input.findings.arguments.path]),
	"remediation": "Call the tool as its input schema says.",
	"metadata": {
		"path": input.findings.arguments.path,
		"problem": input.findings.arguments.problem,
	},
}) if {
	input.findings.arguments.valid == false
}
