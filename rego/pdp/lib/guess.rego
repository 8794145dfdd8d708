# METADATA
# title: Guesses without grounds
# description: |
#   A field of the catalogue entry that an import guessed without any ground holds the worst value.
#   Where only that stands in the way of a call, a person is asked instead of a denial, once for all
#   such fields: the rule `inferred` asks, and the rules that would deny or ask on their own do not
#   apply. Where `inferred` is not enforced nobody asks, and the worst value counts.
package pdp.lib.guess

import data.pdp.lib.call
import data.pdp.lib.level

# METADATA
# description: The guesses that a person is asked about.
asked contains field if {
	some field in matters
	data.pdp.manifest.enforce.inferred
}

# METADATA
# description: The guesses that this call depends on.
matters contains "class" if "class" in input.tool.ungrounded

matters contains "reversible" if {
	"reversible" in input.tool.ungrounded
	input.tool.class in call.effectful
}

# A draft that cannot be taken back is no preparation.
matters contains "reversible" if {
	"reversible" in input.tool.ungrounded
	input.tool.class == "draft"
	input.task.phase == "prepare"
}

# A derived resource decides only where the intent limits resources.
matters contains "resource" if {
	"resource" in input.tool.ungrounded
	input.task.intent.resources != []
}

# What is asserted or remembered is no guess.
matters contains "sensitivity" if {
	"sensitivity" in input.tool.ungrounded
	input.sensitivity == input.tool.sensitivity
	level.above[level.bound][input.sensitivity]
	not level.above[level.bound][input.asserted.resource.sensitivity]
}
