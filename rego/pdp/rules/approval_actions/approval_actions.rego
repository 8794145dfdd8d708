# METADATA
# title: Who may answer for a call, and who may stop a task
# description: |
#   A question is answered and taken back by those whom it was put to: holders of a role among its
#   approvers, or the person that is named there. Never by a party to the call, the agent or whom it
#   works for, and never by an agent. Giving authority back is easier: admins, orchestrators and
#   approvers end tasks and grants. This rule grants these calls of the built-in tools.
# custom:
#   controls:
#     - ASI03
#     - ASI09
#     - NIST SP 800-207 2.1 tenet 6
#     - MAESTRO L6
#   codes:
#     - approval_action
#     - self_approval
#     - not_an_approver
#     - role_missing
package pdp.rules.approval_actions

import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "not_applicable"} if input.tool.builtin == false

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if {
	input.tool.builtin == true
	is_string(input.tool.name)
	not input.tool.name in (answers | stops)
}

else := result.deny(rego.metadata.chain(), "self_approval", {
	"message": sprintf("%s is a party to the call that approval %s is about", [input.caller.id, input.approval.id]),
	"agent_message": "Another person has to decide this.",
	"remediation": "Somebody who is neither the agent nor the person it works for decides.",
	"metadata": {"approval": input.approval.id},
}) if {
	input.tool.builtin == true
	input.tool.name in answers
	input.approval.party == true
}

else := result.grant(rego.metadata.chain(), "approval_action", "the question was put to this person") if {
	input.tool.builtin == true
	input.tool.name in answers
	input.approval.party == false
	is_candidate
}

else := result.deny(rego.metadata.chain(), "not_an_approver", {
	"message": sprintf("approval %s was put to %s", [input.approval.id, asked]),
	"agent_message": "Somebody else has to decide this.",
	"remediation": "One of those whom the question was put to decides; whom that is, is a parameter of the rule approval.",
	"metadata": {"approval": input.approval.id, "approvers": asked},
}) if {
	input.tool.builtin == true
	input.tool.name in answers
	input.approval.party == false
}

else := result.grant(rego.metadata.chain(), "approval_action", "this caller may end tasks and grants") if {
	input.tool.builtin == true
	input.tool.name in stops
	some role in input.caller.roles
	role in stoppers
}

else := result.deny(rego.metadata.chain(), "role_missing", {
	"message": sprintf("%s needs one of the roles %s", [input.tool.name, concat(", ", stoppers)]),
	"agent_message": "This caller cannot do this.",
	"remediation": "Make this call from a caller that holds one of these roles.",
	"metadata": {"roles": concat(", ", stoppers)},
}) if {
	input.tool.builtin == true
	input.tool.name in stops
	is_array(input.caller.roles)
}

answers := {"pdp.decide_approval", "pdp.cancel_approval"}

stops := {"pdp.revoke_task", "pdp.revoke_grant"}

stoppers := {"admin", "approver", "orchestrator"}

is_candidate if {
	input.caller.type != "agent"
	some role in input.caller.roles
	role in input.approval.approvers
	not startswith(role, "user:")
}

is_candidate if {
	input.caller.type == "user"
	some name in names
	name in input.approval.approvers
}

# What the caller is called among approvers. Of `user:ISSUER#ID` the first # ends the issuer, so
# that nobody is taken for another by an id or an issuer that has one.
names contains concat("", ["user:", input.caller.id]) if {
	input.caller.id != ""
	not contains(input.caller.id, "#")
}

names contains concat("", ["user:", input.caller.issuer, "#", input.caller.id]) if {
	input.caller.id != ""
	input.caller.issuer != ""
	not contains(input.caller.issuer, "#")
}

asked := concat(", ", input.approval.approvers)
