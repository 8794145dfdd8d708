# METADATA
# title: Verdicts
# description: |
#   The one constructor for verdicts that say something. Verdicts that let a call go on without a
#   word are the literals {"result": "pass"} and {"result": "not_applicable"}: every rule gives one
#   of them for almost every call, and a literal costs nothing.
package pdp.lib.result

# METADATA
# description: |
#   The call must not happen. `chain` is rego.metadata.chain(), `code` one of the rule's codes, and
#   `words` has message (for operators), agent_message (safe to show the agent: it must not coach an
#   attacker), remediation (for people) and, where they help, metadata (strings by name).
deny(chain, code, words) := object.union(words, {
	"result": "deny",
	"code": code,
	"controls": controls(chain),
})

# METADATA
# description: |
#   A person has to answer for this call. `words` as for a denial; it may also have approval:
#   {approvers, needed, ttl_s, use_s, max_uses, max_ttl_s}, each of which makes the question stricter
#   than the policy's default. max_uses 1: every such call is answered for itself.
escalate(chain, code, words) := object.union(words, {
	"result": "escalate",
	"code": code,
	"controls": controls(chain),
})

# METADATA
# description: The call is covered; counts only where the manifest lets the rule grant.
grant(chain, code, message) := {
	"result": "pass",
	"code": code,
	"message": message,
	"agent_message": "",
	"remediation": "",
	"controls": controls(chain),
	"metadata": {},
}

controls(chain) := [control | some control in chain[_].annotations.custom.controls]
