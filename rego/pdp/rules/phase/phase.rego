# METADATA
# title: The phase allows the class
# description: |
#   PLAN looks, PREPARE also makes drafts that can be taken back, EXECUTE also acts. Looking includes
#   reads that go out (a fetch, a search): they change nothing, and where their arguments may come
#   from is a matter of provenance, not of the phase. A subject that only prepares may do in EXECUTE
#   what PREPARE allows; about everything else a person is asked, with the plan or call by call.
# custom:
#   controls:
#     - ASI02
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 4
#     - MAESTRO L3
#   codes:
#     - outside_phase
#     - prepare_only
package pdp.rules.phase

import data.pdp.lib.call
import data.pdp.lib.guess
import data.pdp.lib.result
import data.pdp.lib.subject

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	input.tool.class == "read"
	input.task.phase in {"plan", "prepare", "execute"}
}

else := {"result": "pass"} if {
	input.tool.builtin == false
	allowed[input.task.phase][input.tool.class]
	within
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	allowed[input.task.phase]
	"class" in guess.asked
}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	input.task.phase == "prepare"
	input.tool.class == "draft"
	"reversible" in guess.asked
}

else := result.escalate(rego.metadata.chain(), "prepare_only", {
	"message": sprintf("the subject prepares only, and %s %s", [input.tool.name, does]),
	"agent_message": "A person has to confirm this call.",
	"remediation": "Approve this call if it is meant, or ask for EXECUTE with a plan that holds such calls.",
	"metadata": {"class": input.tool.class},
}) if {
	call.kind == "tool"
	input.task.phase == "execute"
	input.tool.class in classes
	subject.prepares_only == true
}

else := result.deny(rego.metadata.chain(), "outside_phase", {
	"message": "phase prepare does not allow drafts that cannot be taken back",
	"agent_message": "This is not possible in phase PREPARE.",
	"remediation": "Change the task's phase to EXECUTE with ChangePhase, or use a tool whose drafts can be taken back.",
	"metadata": {"phase": "prepare", "class": "draft"},
}) if {
	input.task.phase == "prepare"
	input.tool.class == "draft"
	input.tool.reversible == false
}

else := result.deny(rego.metadata.chain(), "outside_phase", {
	"message": sprintf("phase %s does not allow tools of class %s", [input.task.phase, input.tool.class]),
	"agent_message": sprintf("This is not possible in phase %s.", [upper(input.task.phase)]),
	"remediation": "Change the task's phase with ChangePhase, or start tasks that act in EXECUTE.",
	"metadata": {"phase": input.task.phase, "class": input.tool.class},
}) if {
	input.tool.class in classes
	not allowed[input.task.phase][input.tool.class]
	allowed[input.task.phase]
}

# What a phase allows to every subject.
within if input.tool.class == "read"

within if {
	input.tool.class == "draft"
	input.tool.reversible == true
}

within if {
	input.task.phase == "execute"
	subject.prepares_only == false
}

does := "makes a draft that cannot be taken back" if input.tool.class == "draft"

else := "acts"

classes := {"read", "draft", "write", "send", "execute", "admin"}

allowed := {
	"plan": {"read"},
	"prepare": {"read", "draft"},
	"execute": {"read", "draft", "write", "send", "execute", "admin"},
}
