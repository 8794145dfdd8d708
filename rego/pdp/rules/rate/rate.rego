# METADATA
# title: The principal's rate is within bounds
# description: |
#   One principal makes so many calls, and so many with effects, in one minute over all its tasks.
#   Development knows no rates, so that load can be tested.
# custom:
#   controls:
#     - ASI08
#     - ASI10
#     - NIST SP 800-207 2.1 tenet 7
#     - MAESTRO L4
#   codes:
#     - rate_exceeded
package pdp.rules.rate

import data.pdp.lib.call
import data.pdp.lib.result

# Bounds are compared by subtracting: null is less than every number, and a string more, but neither
# can be subtracted.

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "not_applicable"} if input.settings.development == true

else := {"result": "pass"} if {
	input.settings.development == false
	input.tool.builtin == false
	input.tool.class in {"read", "draft"}
	input.tool.egress == false
	data.pdp.parameters.rate.calls_per_minute - input.ledger.principal.minute_calls > 0
}

else := {"result": "pass"} if {
	input.settings.development == false
	input.tool.builtin == false
	input.tool.class in {"read", "draft", "write", "send", "execute", "admin"}
	data.pdp.parameters.rate.calls_per_minute - input.ledger.principal.minute_calls > 0
	data.pdp.parameters.rate.effects_per_minute - input.ledger.principal.minute_effects > 0
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := exceeded(rego.metadata.chain(), "calls", input.ledger.principal.minute_calls, data.pdp.parameters.rate.calls_per_minute) if {
	data.pdp.parameters.rate.calls_per_minute - input.ledger.principal.minute_calls <= 0
}

else := exceeded(rego.metadata.chain(), "effects", input.ledger.principal.minute_effects, data.pdp.parameters.rate.effects_per_minute) if {
	call.effect
	data.pdp.parameters.rate.effects_per_minute - input.ledger.principal.minute_effects <= 0
}

exceeded(chain, what, used, bound) := result.deny(chain, "rate_exceeded", {
	"message": sprintf("%d %s for this principal in this minute, the most is %d", [used, what, bound]),
	"agent_message": "Too many calls; try again in a minute.",
	"remediation": "Wait a minute, or raise the rate in the bundle's settings.",
	"metadata": {"rate": what, "used": format_int(used, 10), "max": format_int(bound, 10)},
})
