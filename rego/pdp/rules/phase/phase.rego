# METADATA
# title: The phase allows the class
# description: |
#   PLAN looks, PREPARE also drafts, EXECUTE also acts. Looking includes reads that go out (a fetch,
#   a search): they change nothing, and where their arguments may come from is a matter of
#   provenance, not of the phase.
# custom:
#   controls:
#     - ASI02
#     - ASI03
#     - NIST SP 800-207 2.1 tenet 4
#     - MAESTRO L3
#   codes:
#     - outside_phase
package pdp.rules.phase

import data.pdp.lib.call
import data.pdp.lib.guess
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

verdict := {"result": "pass"} if {
	input.tool.builtin == false
	allowed[input.task.phase][input.tool.class]
}

else := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := {"result": "not_applicable"} if {
	call.kind == "tool"
	allowed[input.task.phase]
	"class" in guess.asked
}

else := result.deny(rego.metadata.chain(), "outside_phase", {
	"message": sprintf("phase %s does not allow tools of class %s", [input.task.phase, input.tool.class]),
	"agent_message": sprintf("This is not possible in phase %s.", [upper(input.task.phase)]),
	"remediation": "Change the task's phase with ChangePhase, or start tasks that act in EXECUTE.",
	"metadata": {"phase": input.task.phase, "class": input.tool.class},
}) if {
	allowed[input.task.phase]
	input.tool.class in classes
}

classes := {"read", "draft", "write", "send", "execute", "admin"}

allowed := {
	"plan": {"read"},
	"prepare": {"read", "draft"},
	"execute": {"read", "draft", "write", "send", "execute", "admin"},
}
