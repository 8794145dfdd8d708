# METADATA
# title: Where the effect goes is the principal's choice
# description: |
#   A sink is fine when it comes from the principal or from trusted output. An identifier that a
#   server minted is fine when some output held it, and no running text of untrusted output speaks of
#   it or led to it; that the goal asks for the act is the matter of the rule `goal`. An amount that
#   nobody stated is fine up to a bound: working out an amount is often the very work. An account
#   that is put down in a record needs the principal's own word. Addresses, links and accounts inside
#   content that leaves are sinks too. In an administrative act only what the principal named is fine, and its content counts as well.
#   Everything else is asked about where the goal asks for such an act, or leaves the choice of acts to
#   something that it names, and is denied otherwise. Reading within a closed world takes any origin;
#   a draft goes nowhere until something sends it, and what it returns is not trusted.
# custom:
#   controls:
#     - ASI01
#     - ASI02
#     - ASI06
#     - NIST SP 800-207 2.1 tenet 4
#     - MAESTRO L2
#   codes:
#     - sink_untrusted
#     - sink_unknown
#     - argument_undeclared
package pdp.rules.sinks

import data.pdp.lib.call
import data.pdp.lib.goal
import data.pdp.lib.guess
import data.pdp.lib.origin
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class in {"write", "send", "execute"}
	origin.plain
}

else := {"result": "not_applicable"} if {
	input.tool.builtin == false
	input.tool.class in {"read", "draft"}
	input.tool.egress == false
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "not_applicable"} if call.held

else := result.deny(rego.metadata.chain(), "argument_undeclared", {
	"message": sprintf("%s has arguments that the catalogue does not declare: %s", [input.tool.name, origin.pointers(undeclared)]),
	"agent_message": "The tool does not take these arguments.",
	"remediation": "Declare these arguments in the tool's catalogue entry.",
	"metadata": {"arguments": origin.pointers(undeclared)},
}) if {
	call.kind == "tool"
	count(undeclared) > 0
}

else := {"result": "pass"} if {
	call.kind == "tool"
	input.tool.class in classes
	every one in input.provenance.arguments {
		fine(one)
	}
}

else := ask(rego.metadata.chain(), "sink_untrusted", "from untrusted output") if {
	call.kind == "tool"
	"untrusted" in origins
	may_ask
}

else := ask(rego.metadata.chain(), "sink_unknown", "from nobody known") if {
	call.kind == "tool"
	count(doubts) > 0
	may_ask
}

else := refuse(rego.metadata.chain(), "sink_untrusted", "from untrusted output") if {
	call.kind == "tool"
	"untrusted" in origins
	goal.stance == "unasked"
}

else := refuse(rego.metadata.chain(), "sink_unknown", "from nobody known") if {
	call.kind == "tool"
	count(doubts) > 0
	goal.stance == "unasked"
}

ask(chain, code, whence) := result.escalate(chain, code, {
	"message": sprintf("%s of %s: %s", [origin.pointers(doubts), input.tool.name, whence]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Check these values with whoever the task is for; approve if they are right.",
	"metadata": {"arguments": origin.pointers(doubts), "sources": origin.sources(doubts)},
})

refuse(chain, code, whence) := result.deny(chain, code, {
	"message": sprintf("%s of %s: %s, and the goal does not ask for such an act", [origin.pointers(doubts), input.tool.name, whence]),
	"agent_message": "This call is not part of the task.",
	"remediation": "Start a task whose goal asks for this, and names where it goes.",
	"metadata": {"arguments": origin.pointers(doubts), "sources": origin.sources(doubts)},
})

undeclared := [one | some one in input.provenance.arguments; one.kind == "undeclared"]

# Why an argument is fine.

fine(one) if {
	one.origin == "none"
	one.kind in {"sink", "amount", "identifier", "content", "option"}
}

fine(one) if {
	one.kind in {"sink", "amount", "identifier"}
	origin.named(one)
	not account_kept(one)
}

fine(one) if {
	one.kind in {"sink", "amount"}
	one.origin == "trusted"
	ordinary
	not account_kept(one)
}

# An account that is put down in a record is paid to from then on: nobody says it but the principal.
account_kept(one) if {
	one.holds == "account"
	one.origin != "principal"
	input.tool.class == "write"
}

fine(one) if origin.shared(one)

fine(one) if {
	one.kind == "identifier"
	one.exists == true
	one.pointed == false
	ordinary
}

fine(one) if {
	one.kind == "amount"
	one.origin in {"untrusted", "unknown"}
	ordinary
	input.tool.moves_value == true
	data.pdp.parameters.sinks.unstated_amount - input.call.amount >= 0
}

# A limit, a quantity: nothing moves now, and what is large is no work of an agent's own.
fine(one) if {
	one.kind == "amount"
	one.origin in {"untrusted", "unknown"}
	ordinary
	input.tool.moves_value == false
	data.pdp.parameters.sinks.unstated_amount - abs(given[one.pointer]) >= 0
}

format_value(value) := value if is_string(value)

format_value(value) := json.marshal(value) if is_number(value)

# The numbers among the arguments, by pointer; one under a name that a pointer escapes is not among
# them, and so is asked about.
given[pointer] := to_number(value) if {
	walk(input.call.arguments, [path, value])
	regex.match(`^-?[0-9]{1,15}(\.[0-9]{1,15})?$`, format_value(value))
	pointer := concat("", [sprintf("/%v", [step]) | some step in path])
}

fine(one) if {
	one.kind == "content"
	ordinary
	carries_nothing(one)
}

fine(one) if {
	one.kind == "content"
	one.origin in {"principal", "trusted"}
	carries_nothing(one)
}

ordinary if input.tool.class in {"read", "draft", "write", "send", "execute"}

# The worst class stands for one that nobody knows, and `inferred` asks about that.
ordinary if "class" in guess.asked

carries_nothing(one) if {
	one.embedded == []
	one.more == false
}

carries_nothing(one) if {
	one.more == false
	every sink in one.embedded {
		sink.origin in {"principal", "trusted"}
	}
}

carries_nothing(_) if {
	input.tool.egress == false
	input.tool.class != "send"
}

doubts := [one | some one in input.provenance.arguments; not fine(one)]

# Where they came from.
origins := ({one.origin | some one in doubts} | {"untrusted" |
	some one in doubts
	one.pointed == true
}) | {sink.origin |
	some one in doubts
	one.kind == "content"
	some sink in one.embedded
}

may_ask if goal.stance in {"asked", "delegated", "unsure"}

may_ask if "class" in guess.asked

classes := {"read", "draft", "write", "send", "execute", "admin"}
