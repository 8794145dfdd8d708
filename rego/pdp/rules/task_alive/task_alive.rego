# METADATA
# title: The task is alive
# description: A call is made in a task that the PDP knows and that is neither over nor revoked.
# custom:
#   controls:
#     - ASI03
#     - ASI10
#     - NIST SP 800-207 2.1 tenet 3
#     - MAESTRO L6
#   codes:
#     - unknown_task
#     - task_ended
#     - revoked
package pdp.rules.task_alive

import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.task.known == true
	input.task.state == "active"
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
# The task that start_task opens cannot be known yet.
otherwise := {"result": "not_applicable"} if {
	input.tool.builtin == true
	input.tool.name == "pdp.start_task"
	input.task.known == false
}

else := result.deny(rego.metadata.chain(), "unknown_task", {
	"message": "no task with this id is known",
	"agent_message": "There is no such task.",
	"remediation": "Start a task and send its id, or send none and an intent.",
}) if {
	input.task.known == false
}

else := result.deny(rego.metadata.chain(), "task_ended", {
	"message": sprintf("task %s is %s", [input.task.id, input.task.state]),
	"agent_message": "The task is over.",
	"remediation": "Start a new task for further work.",
	"metadata": {"state": input.task.state},
}) if {
	input.task.known == true
	input.task.state in {"completed", "expired"}
}

else := result.deny(rego.metadata.chain(), "revoked", {
	"message": sprintf("task %s was revoked", [input.task.id]),
	"agent_message": "The task was stopped.",
	"remediation": "Ask who revoked the task before starting another one.",
}) if {
	input.task.known == true
	input.task.state == "revoked"
}
