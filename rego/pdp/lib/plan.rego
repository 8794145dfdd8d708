# METADATA
# title: What is planned
# description: Facts about the calls of a plan that several rules need.
package pdp.lib.plan

# METADATA
# description: From the phase that allows least to the one that allows most.
rank := {"plan": 1, "prepare": 2, "execute": 3}

# METADATA
# description: |
#   The calls that would be asked about. One that is denied only because too many questions were
#   asked is one of them: the bound on questions is for the question about the plan.
asking := [one | some one in input.plan; asks(one)]

asks(one) if one.decision == "escalate"

asks(one) if {
	one.decision == "deny"
	count(one.codes) > 0
	every code in one.codes {
		code == "escalation_flood"
	}
}

# METADATA
# description: The tools of those calls, `server/tool`.
asking_tools contains sprintf("%s/%s", [one.server, one.tool]) if some one in asking

# METADATA
# description: Why those calls would be asked about.
asking_codes contains code if {
	some one in asking
	some code in one.codes
}

# METADATA
# description: The calls that would be denied, `server/tool (codes)`.
denied contains sprintf("%s/%s (%s)", [one.server, one.tool, concat(" ", one.codes)]) if {
	some one in input.plan
	one.decision == "deny"
	not asks(one)
}
