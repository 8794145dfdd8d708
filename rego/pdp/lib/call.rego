# METADATA
# title: What kind of call this is
# description: Facts about the call that several rules need.
package pdp.lib.call

# METADATA
# description: |
#   "tool": a known tool called in a known task; "builtin": one of the PDP's own; "unresolved":
#   something is not known, which other rules deny. Undefined when the input is not as agreed.
kind := "tool" if {
	input.tool.builtin == false
	input.tool.known == true
	input.task.known == true
}

else := "builtin" if input.tool.builtin == true

else := "unresolved" if {
	input.tool.builtin == false
	false in {input.tool.known, input.task.known}
}

# METADATA
# description: Classes whose calls change something that a draft could not take back.
effectful := {"write", "send", "execute", "admin"}

# METADATA
# description: The call changes something or carries something out. The ledger counts it as such.
effect if input.tool.class in effectful

effect if input.tool.egress == true

# METADATA
# description: |
#   No orchestrator vouches for the task, and the rule that holds such tasks up is enforced: what
#   depends on a vouched goal has nothing to add.
held if {
	input.task.registered == false
	data.pdp.manifest.enforce.registration
}
