# METADATA
# title: The tool is known
# description: Exactly one entry of the catalogue answers to the tool's name.
# custom:
#   controls:
#     - ASI02
#     - ASI04
#     - NIST SP 800-207 2.1 tenet 1
#     - MAESTRO L7
#   codes:
#     - unknown_tool
#     - tool_ambiguous
package pdp.rules.tool_known

import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.known == true
	input.tool.ambiguous == false
}

else := result.deny(rego.metadata.chain(), "tool_ambiguous", {
	"message": sprintf("several servers have a tool named %s and the call names none", [input.tool.name]),
	"agent_message": "The tool cannot be identified.",
	"remediation": "Send the tool's server in action.server.",
	"metadata": {"tool": input.tool.name},
}) if {
	input.tool.ambiguous == true
}

else := result.deny(rego.metadata.chain(), "unknown_tool", {
	"message": sprintf("no catalogue entry for tool %q of server %q", [input.tool.name, input.tool.server]),
	"agent_message": "This tool is not available.",
	"remediation": "Add the tool to the catalogue, or correct its name or server.",
	"metadata": {"tool": input.tool.name, "server": input.tool.server},
}) if {
	input.tool.known == false
	input.tool.ambiguous == false
}
