# METADATA
# title: What cannot be taken back is the principal's choice
# description: |
#   An irreversible act passes when the goal asks for it, or an orchestrator's intent names exactly its
#   tool, and untrusted content did not select what it reaches: that comes from the principal or trusted
#   output; or it is a thing that a server lists, under an identifier that no running text of an
#   untrusted output speaks of or led to. Everything else is asked about, each call for itself. Messages are sent
#   all the time and hardly ever can be taken back; the rule `sinks` is enough for them.
# custom:
#   controls:
#     - ASI02
#     - ASI09
#     - NIST SP 800-207 2.1 tenet 6
#     - MAESTRO L7
#   codes:
#     - irreversible
package pdp.rules.irreversible

import data.pdp.lib.call
import data.pdp.lib.goal
import data.pdp.lib.guess
import data.pdp.lib.origin
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.call.final == false
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	"reversible" in guess.asked
}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.call.final == true
	goal.stance == "asked"
	every one in input.provenance.arguments {
		chosen(one)
	}
}

else := result.escalate(rego.metadata.chain(), "irreversible", {
	"message": sprintf("%s cannot be taken back, and the principal did not choose %s", [input.tool.name, what]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Check what it would act on, and approve if that is meant.",
	"metadata": {"arguments": origin.pointers(others), "sources": origin.sources(others)},
	"approval": {"max_uses": 1},
}) if {
	call.kind == "tool"
	input.call.final == true
}

# Amounts and content do not select anything; the rule `sinks` judges them.
chosen(one) if one.kind in {"amount", "content", "option"}

chosen(one) if {
	one.kind in {"sink", "identifier"}
	origin.named(one)
}

chosen(one) if {
	one.kind in {"sink", "identifier"}
	one.origin == "none"
}

chosen(one) if {
	one.kind == "sink"
	one.origin == "trusted"
}

chosen(one) if {
	one.kind == "identifier"
	one.exists == true
	one.pointed == false
}

others := [one | some one in input.provenance.arguments; not chosen(one)]

what := origin.pointers(others) if count(others) > 0

else := "the act"
