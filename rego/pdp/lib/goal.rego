# METADATA
# title: What the goal says of this call
# description: |
#   A goal counts where an orchestrator vouches for it; the facts under input.goal are empty
#   elsewhere. An intent that names exactly this tool, without a glob, asks for what it does: then an
#   orchestrator has said so. It does not ask for what the goal itself forbids.
package pdp.lib.goal

# METADATA
# description: |
#   "asked": for what this tool does; "delegated": the goal leaves the choice of acts to something
#   that it names; "unsure": the goal may ask for it, and no words of a goal say what a command or a
#   statement of a query language does; "unasked": none of these.
stance := "asked" if input.goal.asked == true

else := "asked" if {
	input.goal.asked == false
	listed
	permitted
}

else := "delegated" if {
	input.goal.asked == false
	input.goal.delegates == true
	permitted
}

else := "unsure" if {
	input.goal.asked == false
	input.goal.unsure == true
	permitted
}

else := "unsure" if {
	input.goal.asked == false
	by_command
	permitted
}

else := "unasked" if input.goal.asked == false

# METADATA
# description: What the call does lies in a command that it is given.
by_command if {
	input.task.registered == true
	input.tool.class == "execute"
	some one in input.provenance.arguments
	one.kind == "sink"
	one.holds == "command"
}

# METADATA
# description: An orchestrator's intent names exactly this tool.
listed if {
	input.task.registered == true
	input.tool.name in input.task.intent.tools
	not regex.match(`[*?\[\]{}!\\]`, input.tool.name)
}

# The goal does not rule out what the tool does ("don't reply").
permitted if input.goal.negated == []

permitted if {
	is_array(input.goal.negated)
	ruled_out := {act | some act in input.goal.negated} - {act | some act in input.goal.acts}
	count(ruled_out & {act | some act in input.goal.tool_acts}) == 0
}
