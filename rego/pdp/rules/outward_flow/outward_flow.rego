# METADATA
# title: Sensitive data goes only to whom the principal named
# description: |
#   What leaves to recipients that the principal named passes. To others, part of a sensitive output
#   is denied; to those that trusted output gave, or that stand in a record beside what the principal
#   named, and where it is a value of the output that gave the recipient, it is asked about. Once a task has read sensitive data,
#   text whose origin nobody knows may hold that data in other words, and untrusted material may have
#   asked for it: whatever then leaves to recipients that the principal did not name is asked about.
#   A read that goes out has no recipient that anybody named, and an act that the goal asks for and that
#   names no recipient (a post) is asked about where it holds part of a sensitive output. Once
#   untrusted content led the task to something that the principal did not name, text of the agent's
#   own is asked about whoever gets it; and so is a read of such a place where what it asks for could
#   carry out what the task has read.
# custom:
#   controls:
#     - ASI01
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 1
#     - MAESTRO L2
#   codes:
#     - outward_flow
package pdp.rules.outward_flow

import data.pdp.lib.call
import data.pdp.lib.origin
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "not_applicable"} if {
	input.tool.builtin == false
	input.tool.egress == false
	input.provenance.carries == []
}

else := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.known == true
	not_led
	origin.plainly_sent
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "pass"} if {
	call.kind == "tool"
	not_led
	origin.recipients_named
}

else := {"result": "not_applicable"} if call.held

else := {"result": "pass"} if {
	call.kind == "tool"
	not_led
	unrestricted[input.ledger.task.sensitivity]
	every one in input.provenance.arguments {
		harmless(one)
	}
}

else := result.deny(rego.metadata.chain(), "outward_flow", {
	"message": sprintf("%s would carry part of a sensitive output to %s, which the principal did not name", [origin.pointers(secrets), origin.pointers(strangers)]),
	"agent_message": "This data must not be sent there.",
	"remediation": "Name the recipient in the goal of the task, if it may have this data.",
	"metadata": {"arguments": origin.pointers(secrets), "sources": origin.sources(secrets)},
}) if {
	call.kind == "tool"
	count(secrets) > 0
	some one in strangers
	one.origin in {"untrusted", "unknown"}
	not found_by_name(one)
	not all_from(one.source)
}

else := ask(rego.metadata.chain(), "untrusted content led the task to what it has read, and this could carry that out", strays) if {
	call.kind == "tool"
	input.tool.egress == true
	input.provenance.led_before == true
	count(strays) > 0
}

else := ask(rego.metadata.chain(), "untrusted content led to this place, and what is asked of it could carry what the task has read", laden) if {
	call.kind == "tool"
	count(laden) > 0
}

else := ask(rego.metadata.chain(), "part of a sensitive output would leave to nobody that the principal named", leaving) if {
	call.kind == "tool"
	count(secrets) > 0
}

else := ask(rego.metadata.chain(), "the task has read sensitive data, and this would leave to somebody that the principal did not name", leaving) if {
	call.kind == "tool"
	count(strangers) > 0
	wary
}

else := ask(rego.metadata.chain(), "the task has read sensitive data and untrusted material, and this would leave to a place outside", leaving) if {
	call.kind == "tool"
	input.tool.class in {"read", "draft"}
	count(unmatched) > 0
	tainted
}

else := {"result": "pass"} if {
	call.kind == "tool"
	is_number(input.ledger.task.sensitivity)
	input.tool.egress == true
	is_boolean(input.provenance.led_before)
	every one in input.provenance.arguments {
		is_string(one.kind)
		is_string(one.origin)
		is_number(one.sensitivity)
		is_array(one.embedded)
	}
}

ask(chain, message, arguments) := result.escalate(chain, "outward_flow", {
	"message": message,
	"agent_message": "A person has to confirm this call.",
	"remediation": "Check what would leave and to whom; approve if they may have it.",
	"metadata": {
		"arguments": origin.pointers(arguments),
		"sources": origin.sources(arguments),
	},
})

# What the task has read it has read for the principal, and this asks nothing of others.
not_led if {
	input.provenance.led_before == false
	input.provenance.carries == []
}

leaving := array.concat(secrets, strangers)

laden := [one |
	some one in input.provenance.arguments
	one.pointer in input.provenance.carries
]

# Content that neither the principal nor trusted output gave; where there is no content, a thing that
# is sent by its identifier.
strays := unmatched if count(unmatched) > 0

else := [one |
	input.tool.class == "send"
	some one in input.provenance.arguments
	one.kind == "identifier"
	not one.origin in {"principal", "none"}
]

# Nothing above INTERNAL was read, or is carried.
unrestricted := {0, 1, 2}

harmless(one) if {
	one.kind != "content"
	is_string(one.kind)
}

harmless(one) if {
	unrestricted[one.sensitivity]
	every sink in one.embedded {
		unrestricted[sink.sensitivity]
	}
}

# Part of a sensitive output, unless the principal said it as well.
secrets := [one |
	some one in input.provenance.arguments
	one.kind == "content"
	not one.origin == "principal"
	not harmless(one)
]

strangers := [one |
	some one in origin.recipients
	not origin.addressed(one)
	not origin.shared(one)
]

# It stands in a record beside something that the principal named: whoever wrote the record may have
# imitated that, so a person looks.
found_by_name(one) if {
	one.origin == "untrusted"
	one.named == true
	one.pointed == false
}

# What is copied to a recipient out of the very output that gave the recipient (the number of the
# invoice that is paid).
all_from(source) if {
	source != ""
	every one in secrets {
		one.source == source
		one.exists == true
		one.embedded == []
	}
}

unmatched := [one |
	some one in input.provenance.arguments
	one.kind == "content"
	not one.origin in {"principal", "trusted", "none"}
]

wary if {
	not unrestricted[input.ledger.task.sensitivity]
	count(unmatched) > 0
}

wary if {
	not unrestricted[input.ledger.task.sensitivity]
	tainted
}

tainted if {
	not unrestricted[input.ledger.task.sensitivity]
	not clean
}

clean if {
	input.ledger.task.untrusted == false
	input.ledger.pair.untrusted == false
}
