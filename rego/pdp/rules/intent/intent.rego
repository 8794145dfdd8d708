# METADATA
# title: The intent covers the call
# description: |
#   The tool and the resource are among those that the task's intent names; an intent that names
#   none is not limited by name. This is the rule that grants ordinary calls.
# custom:
#   controls:
#     - ASI01
#     - ASI02
#     - NIST SP 800-207 2.1 tenet 3
#     - MAESTRO L7
#   codes:
#     - within_intent
#     - outside_intent
package pdp.rules.intent

import data.pdp.lib.call
import data.pdp.lib.result

default verdict := {"result": "deny", "code": "policy_error"}

# Nearly every call gets this one, so it is written out: a test holds its controls to those above.
verdict := {
	"result": "pass",
	"code": "within_intent",
	"message": "the task's intent covers this tool and resource",
	"agent_message": "",
	"remediation": "",
	"controls": ["ASI01", "ASI02", "NIST SP 800-207 2.1 tenet 3", "MAESTRO L7"],
	"metadata": {},
} if {
	input.tool.builtin == false
	input.tool.known == true
	input.task.known == true
	covers_tool
	covers_resource
}

else := otherwise

# Apart, so that what most calls are told above is found without looking further.
otherwise := {"result": "not_applicable"} if call.kind in {"builtin", "unresolved"}

else := result.deny(rego.metadata.chain(), "outside_intent", {
	"message": sprintf("the task's intent does not cover tool %s", [input.tool.name]),
	"agent_message": "This tool is not part of the task.",
	"remediation": "Start a task whose intent names this tool, if the work needs it.",
	"metadata": {"limit": "tools", "tool": input.tool.name},
}) if {
	count(input.task.intent.tools) > 0
	not covers_tool
}

else := result.deny(rego.metadata.chain(), "outside_intent", {
	"message": sprintf("the task's intent does not cover resource %s", [resource]),
	"agent_message": "What this call acts on is not part of the task.",
	"remediation": "Start a task whose intent names this resource, if the work needs it.",
	"metadata": {"limit": "resources", "resource": resource},
}) if {
	count(input.task.intent.resources) > 0
	not covers_resource
}

covers_tool if input.task.intent.tools == []

# null: no character delimits, `*` matches any name. An empty list would mean ".".
covers_tool if {
	some pattern in input.task.intent.tools
	glob.match(pattern, null, input.tool.name)
}

covers_resource if input.task.intent.resources == []

covers_resource if {
	some pattern in input.task.intent.resources
	glob.match(pattern, ["/"], resource)
}

resource := concat(":", [input.resource.type, input.resource.id])
