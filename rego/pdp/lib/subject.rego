# METADATA
# title: What the subject may do at most
# description: Facts about the subject of the task that several rules need.
package pdp.lib.subject

# METADATA
# description: |
#   The subject prepares, and acts only where a person has said so: it works in a task that another
#   one delegated, or policy lists it. Undefined when the input or the list is not as agreed.
prepares_only if input.task.delegated == true

else := false if {
	input.task.delegated == false
	listed == []
}

# null: no character delimits. An empty list would mean ".".
else if {
	some pattern in listed
	glob.match(pattern, null, name)
}

else := false if {
	input.task.delegated == false
	is_array(listed)
	is_string(name)
}

# METADATA
# description: The subject as lists of subjects name it.
name := concat(":", [input.subject.type, input.subject.id])

listed := data.pdp.parameters.task_actions.prepare_only
