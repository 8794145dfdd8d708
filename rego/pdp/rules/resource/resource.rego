# METADATA
# title: The resource is the one in the arguments
# description: A resource that the caller asserts must be the one that the arguments name.
# custom:
#   controls:
#     - ASI02
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 1
#     - MAESTRO L3
#   codes:
#     - resource_mismatch
package pdp.rules.resource

import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if input.findings.resource.contradicts == false

else := result.deny(rego.metadata.chain(), "resource_mismatch", {
	"message": sprintf(
		"the arguments act on %s:%s, the request says %s:%s",
		[input.resource.type, input.resource.id, input.asserted.resource.type, input.asserted.resource.id],
	),
	"agent_message": "The call does not act on what it says it acts on.",
	"remediation": "Send the resource that the arguments name, or none.",
	"metadata": {
		"derived": concat(":", [input.resource.type, input.resource.id]),
		"asserted": concat(":", [input.asserted.resource.type, input.asserted.resource.id]),
	},
}) if {
	input.findings.resource.contradicts == true
}
