# METADATA
# title: The goal asks for the act
# description: |
#   What has an effect must be what the goal asks for, or an intent must name its tool literally. An
#   act on another kind of thing than the goal speaks of is asked about once untrusted material has
#   come in ("delete the mail" asks nobody to delete a file). A goal that leaves the choice of acts to
#   something ("do what the letter says") is asked about, and so is an act that the goal may ask for in
#   words that were not understood, or that is close to what it asks for; a command, since goals speak
#   of ends; an act that the goal does not ask for but that reaches only what the principal named; and
#   one beside what it asks for that reaches nothing that content chose. Looking and drafting need no
#   asking.
# custom:
#   controls:
#     - ASI01
#     - ASI10
#     - NIST SP 800-207 2.1 tenet 3
#     - MAESTRO L7
#   codes:
#     - not_in_goal
package pdp.rules.goal

import data.pdp.lib.call
import data.pdp.lib.goal
import data.pdp.lib.guess
import data.pdp.lib.origin
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class in {"write", "send", "execute", "admin"}
	goal.stance == "asked"
	input.goal.about == true
}

else := {"result": "not_applicable"} if {
	input.tool.builtin == false
	input.tool.class in {"read", "draft"}
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "not_applicable"} if call.held

# What the tool does is not known either.
else := {"result": "not_applicable"} if {
	call.kind == "tool"
	"class" in guess.asked
}

else := result.escalate(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("the goal leaves to others what is done, and %s is what they chose", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if it is what the task is for.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "delegated"
}

else := result.escalate(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("what %s does lies in its command, and a goal names no commands", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Read the command, and approve this call if it does what the goal is for.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "unsure"
	goal.by_command
}

else := result.escalate(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("the goal may ask for what %s does (%s), but not in words that make it sure", [input.tool.name, acts]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if the goal means it, or say so in the goal of such tasks.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "unsure"
}

# Named tools are asked for whatever the words are; before others had a say nobody chose otherwise.
else := {"result": "pass"} if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "asked"
	input.goal.about == false
	meant
}

else := result.escalate(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("the goal asks for such an act, and names nothing of the kind that %s acts on", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if the goal means it, or name what it acts on in the goal of such tasks.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "asked"
	input.goal.about == false
}

else := result.escalate(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("the goal names what %s reaches, and does not ask for what it does", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if the goal means it, or say so in the goal of such tasks.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "unasked"
	goal.permitted
	reaches_only_the_named
}

# People say several things at once, and not each of them in words that are understood.
else := result.escalate(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("the goal asks for other acts than %s, which reaches nothing that content chose", [input.tool.name]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if the goal means it, or say so in the goal of such tasks.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "unasked"
	goal.permitted
	input.goal.acts != []
	reaches_only_the_known
}

else := result.deny(rego.metadata.chain(), "not_in_goal", {
	"message": sprintf("the goal does not ask for what %s does (%s)", [input.tool.name, acts]),
	"agent_message": "This call is not part of the task.",
	"remediation": "Start a task whose goal asks for this, or whose intent names this tool.",
	"metadata": {"acts": acts},
}) if {
	call.kind == "tool"
	input.tool.class in call.effectful
	goal.stance == "unasked"
}

meant if goal.listed

meant if {
	input.ledger.task.untrusted == false
	input.ledger.pair.untrusted == false
}

reaches_only_the_named if {
	origin.plain
	some one in input.provenance.arguments
	one.kind in {"sink", "identifier"}
	one.origin == "principal"
}

reaches_only_the_known if {
	some one in input.provenance.arguments
	one.kind in {"sink", "identifier"}
	every argument in input.provenance.arguments {
		known(argument)
	}
}

known(one) if {
	one.kind in {"sink", "amount", "identifier", "option"}
	one.origin in {"principal", "trusted", "none"}
}

known(one) if {
	one.kind == "identifier"
	one.exists == true
	one.pointed == false
}

known(one) if {
	one.kind == "content"
	one.embedded == []
}

acts := concat(", ", input.goal.tool_acts)
