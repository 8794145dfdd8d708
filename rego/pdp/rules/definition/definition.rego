# METADATA
# title: The tool's definition is the one that was catalogued
# description: |
#   What the gateway sees of the tool has the digest of the catalogue's definition. A digest that is
#   not sent is unchecked, unless the parameter require_digest demands it.
# custom:
#   controls:
#     - ASI04
#     - NIST SP 800-207 2.1 tenet 5
#     - MAESTRO L3
#   codes:
#     - tool_changed
#     - digest_missing
package pdp.rules.definition

import data.pdp.lib.call
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.findings.definition.given == true
	input.findings.definition.changed == false
}

else := {"result": "not_applicable"} if {
	input.tool.builtin == false
	input.findings.definition.given == false
	data.pdp.parameters.definition.require_digest == false
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := result.deny(rego.metadata.chain(), "tool_changed", {
	"message": sprintf("the definition of %s differs from the catalogue's", [input.tool.name]),
	"agent_message": "This tool is not available.",
	"remediation": "Review the tool's new definition and import it into the catalogue.",
	"metadata": {"tool": input.tool.name, "server": input.tool.server},
}) if {
	input.findings.definition.given == true
	input.findings.definition.changed == true
}

else := result.deny(rego.metadata.chain(), "digest_missing", {
	"message": sprintf("the gateway sent no digest of the definition of %s", [input.tool.name]),
	"agent_message": "This tool is not available.",
	"remediation": "Have the gateway send action.schema_digest.",
	"metadata": {"tool": input.tool.name, "server": input.tool.server},
}) if {
	input.findings.definition.given == false
	data.pdp.parameters.definition.require_digest == true
}
