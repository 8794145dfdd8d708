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
#   `words` has message (operators), agent_message (must not coach an attacker), remediation
#   (people) and metadata (strings by name).
deny(chain, code, words) := verdict("deny", chain, code, words)

# METADATA
# description: A person has to answer for this call. `words` may also have approval, see main.
escalate(chain, code, words) := verdict("escalate", chain, code, words)

# METADATA
# description: The call is covered, and this rule may be the one that grants it.
grant(chain, code, words) := verdict("pass", chain, code, words)

verdict(result, chain, code, words) := object.union(
	words,
	{"result": result, "code": code, "controls": controls(chain)},
)

controls(chain) := [control |
	some annotated in chain
	some control in annotated.annotations.custom.controls
]
