# METADATA
# title: A no stays a no
# description: |
#   What a person has denied is not asked again, neither a call nor a plan. To answer a question, or
#   to take an answer back, is no such call.
# custom:
#   controls:
#     - ASI09
#     - NIST SP 800-207 2.1 tenet 6
#     - MAESTRO L6
#   codes:
#     - approval_denied
package pdp.rules.approval

import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "not_applicable"} if input.approval.state == "none"

else := {"result": "not_applicable"} if {
	input.tool.builtin == true
	input.tool.name in {"pdp.decide_approval", "pdp.cancel_approval"}
	is_string(input.approval.state)
}

else := {"result": "pass"} if {
	input.approval.state in {"pending", "approved", "expired", "cancelled", "reserved", "consumed"}
}

else := result.deny(rego.metadata.chain(), "approval_denied", {
	"message": sprintf("approval %s for this very call was denied", [input.approval.id]),
	"agent_message": "A person has denied this call.",
	"remediation": "Talk to the approver; a person can reopen the question.",
	"metadata": {"approval": input.approval.id},
}) if {
	input.approval.state == "denied"
}
