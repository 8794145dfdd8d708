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
#   that it names; "unasked": neither.
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

else := "unasked" if input.goal.asked == false

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
