# METADATA
# title: Who may start, move and end tasks
# description: |
#   Tasks are started by an orchestrator that is not the subject: its word is what makes an intent
#   more than a claim. It also raises phases. Giving authority back is always fine: any caller that
#   may speak for the subject lowers the phase, and a gateway or orchestrator completes the task. A
#   subject that only prepares starts in PREPARE at most, and reaches EXECUTE with a plan that a
#   person is asked about. This is the rule that grants calls of the built-in tools.
# custom:
#   controls:
#     - ASI01
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 3
#     - MAESTRO L7
#   codes:
#     - task_action
#     - task_exists
#     - task_unregistered
#     - role_missing
#     - caller_is_subject
#     - prepare_only
package pdp.rules.task_actions

import data.pdp.lib.plan
import data.pdp.lib.result
import data.pdp.lib.subject
import data.pdp.rules.plan as plan_rule

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "not_applicable"} if input.tool.builtin == false

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if {
	input.tool.builtin == true
	not input.tool.name in {
		"pdp.start_task", "pdp.change_phase", "pdp.complete_task",
		"pdp.append_context",
	}
}

else := object.union(
	{"terms": terms},
	result.grant(rego.metadata.chain(), "task_action", "an orchestrator starts this task"),
) if {
	input.tool.builtin == true
	input.tool.name == "pdp.start_task"
	vouched_for
	input.findings.task_exists == false
}

else := object.union(
	result.grant(rego.metadata.chain(), "task_action", "the phase may be changed so"),
	{"metadata": noted},
) if {
	input.tool.builtin == true
	input.tool.name == "pdp.change_phase"
	phase_may_change
}

else := result.grant(rego.metadata.chain(), "task_action", "the task may be completed") if {
	input.tool.builtin == true
	input.tool.name == "pdp.complete_task"
	holds_one_of({"orchestrator", "pep"})
}

else := result.grant(rego.metadata.chain(), "task_action", "the material may be appended so") if {
	input.tool.builtin == true
	input.tool.name == "pdp.append_context"
	may_append
}

else := role_missing(rego.metadata.chain(), "orchestrator") if {
	gives_authority
	not holds_one_of({"orchestrator"})
}

else := role_missing(rego.metadata.chain(), "orchestrator or pep") if {
	input.tool.name in {"pdp.complete_task", "pdp.append_context"}
	not holds_one_of({"orchestrator", "pep"})
}

else := result.deny(rego.metadata.chain(), "caller_is_subject", {
	"message": "the caller is the subject itself, which cannot vouch for its own intent or phase",
	"agent_message": "Only an orchestrator can do this.",
	"remediation": "Make this call from an orchestrator that is not the agent.",
}) if {
	gives_authority
	input.caller.id == input.subject.id
}

else := result.deny(rego.metadata.chain(), "task_exists", {
	"message": sprintf("a task with id %s exists", [input.call.arguments.task_id]),
	"agent_message": "There already is such a task.",
	"remediation": "Choose another task id, or leave it out.",
	"metadata": {"task_id": input.call.arguments.task_id},
}) if {
	input.tool.name == "pdp.start_task"
	input.findings.task_exists == true
}

else := result.deny(rego.metadata.chain(), "task_unregistered", {
	"message": "nobody can vouch for an unregistered task: it reaches no EXECUTE and trusts no material",
	"agent_message": "This work is not registered; only reading and drafting is possible.",
	"remediation": "Have an orchestrator start a task with StartTask.",
}) if {
	input.tool.name in {"pdp.change_phase", "pdp.append_context"}
	input.task.registered == false
}

else := result.deny(rego.metadata.chain(), "prepare_only", {
	"message": "the subject prepares only, and no person is asked about what it would do in EXECUTE",
	"agent_message": "This work can be prepared only.",
	"remediation": "Ask for EXECUTE with a plan that holds the calls to be made; a person then decides about them.",
}) if {
	input.tool.name == "pdp.change_phase"
	input.call.arguments.phase == "execute"
	input.task.registered == true
	vouched_for
	subject.prepares_only == true
}

role_missing(chain, roles) := result.deny(chain, "role_missing", {
	"message": sprintf("%s needs the role %s", [input.tool.name, roles]),
	"agent_message": "Only an orchestrator can do this.",
	"remediation": "Give the caller the role, or make this call from a caller that holds it.",
	"metadata": {"roles": roles},
})

gives_authority if input.tool.name == "pdp.start_task"

gives_authority if {
	input.tool.name == "pdp.change_phase"
	plan.rank[input.call.arguments.phase] > plan.rank[input.task.phase]
}

# Trust in material is authority: values in it may then be acted on.
gives_authority if {
	input.tool.name == "pdp.append_context"
	input.call.arguments.trust != "untrusted"
}

may_append if {
	input.call.arguments.trust == "untrusted"
	holds_one_of({"orchestrator", "pep"})
}

may_append if {
	input.call.arguments.trust in {"principal", "trusted"}
	input.task.registered == true
	vouched_for
}

vouched_for if {
	holds_one_of({"orchestrator"})
	input.caller.id != input.subject.id
}

holds_one_of(roles) if {
	some role in input.caller.roles
	role in roles
}

phase_may_change if plan.rank[input.call.arguments.phase] <= plan.rank[input.task.phase]

phase_may_change if {
	input.call.arguments.phase == "prepare"
	plan.rank[input.task.phase] < 2
	vouched_for
}

phase_may_change if {
	input.call.arguments.phase == "execute"
	plan.rank[input.task.phase] < 3
	vouched_for
	input.task.registered == true
	may_act
}

may_act if subject.prepares_only == false

# The question about the plan is what lets such a subject act.
may_act if {
	subject.prepares_only == true
	data.pdp.manifest.enforce.plan
	plan_rule.verdict.result == "escalate"
}

# What is planned and would be denied stops nothing, and is named.
default noted := {}

noted := {"denied": concat(", ", plan.denied)} if count(plan.denied) > 0
