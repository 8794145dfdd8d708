# METADATA
# title: Where the arguments came from
# description: |
#   What several rules ask about input.provenance.arguments. Each line says when an argument is fine:
#   one that lacks a key, or holds a word that nobody knows, is not.
package pdp.lib.origin

# METADATA
# description: |
#   Everything that decides where the effect goes comes from the principal, and what is carried
#   holds neither address nor link. This is most calls, and then no rule has to look further.
plain if {
	settled := {
		"sink": {"principal", "none"},
		"amount": {"principal", "none"},
		"identifier": {"principal", "none"},
		"option": {"none"},
		"content": {"principal", "trusted", "untrusted", "unknown", "none"},
	}
	every one in input.provenance.arguments {
		settled[one.kind][one.origin]
		one.embedded == []
	}
}

# METADATA
# description: |
#   The principal named it, or a trusted output gave it beside something that the principal named.
named(one) if one.origin == "principal"

named(one) if {
	one.origin == "trusted"
	one.named == true
}

# METADATA
# description: |
#   The same, or an existing thing that the principal named it by: beside it in a record, or as the
#   recipients of the draft that it is. Whoever writes records may imitate a name.
addressed(one) if named(one)

addressed(one) if {
	one.kind == "identifier"
	one.exists == true
	one.named == true
}

# METADATA
# description: |
#   Only read, at the one link that somebody shared whom the principal names: as it stands in an
#   output it can carry nothing out.
shared(one) if {
	one.kind == "sink"
	one.holds == "url"
	one.exists == true
	one.named == true
	input.tool.class == "read"
}

# METADATA
# description: Where the effect goes, and the principal named all of it.
plainly_sent if {
	plain
	some one in input.provenance.arguments
	one.kind == "sink"
	one.origin == "principal"
}

# METADATA
# description: |
#   Where the effect goes. What is sent by an identifier alone ("reply to message 12") goes where that
#   says.
recipients := sinks if count(sinks) > 0

else := [one |
	input.tool.class == "send"
	some one in input.provenance.arguments
	one.kind == "identifier"
	one.origin != "none"
]

sinks := [one |
	some one in input.provenance.arguments
	one.kind == "sink"
	one.origin != "none"
]

# METADATA
# description: Every recipient is the principal's; undefined where there is none.
recipients_named if {
	count(recipients) > 0
	every one in recipients {
		addressed(one)
	}
}

# METADATA
# description: The pointers of arguments, for people.
pointers(arguments) := concat(", ", [one.pointer | some one in arguments])

# METADATA
# description: The decisions whose outputs held them, for people.
sources(arguments) := concat(", ", {source |
	some one in arguments
	some source in array.concat([one.source], [sink.source | some sink in one.embedded])
	source != ""
})
