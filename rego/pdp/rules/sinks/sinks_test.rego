package pdp.rules.sinks_test

import data.pdp.lib.sample_test as sample
import data.pdp.rules.sinks

test_what_the_principal_or_trusted_output_chose_passes if {
	every kind in ["sink", "amount"] {
		every origin in ["principal", "trusted", "none"] {
			verdict(with_one(kind, origin)) == {"result": "pass"}
		}
	}
}

test_an_account_is_put_down_only_on_the_word_of_the_principal if {
	kept := sample.but(with_one("sink", "trusted"), {"tool": {"class": "write"}})
	account := object.union(sample.argument("/one", "sink", "trusted"), {"holds": "account", "named": true})
	said := verdict(sample.carrying(sample.but(sample.send, {"tool": {"class": "write"}}), [account]))
	said.result == "escalate"
	said.code == "sink_unknown"
	verdict(sample.carrying(sample.send, [account])) == {"result": "pass"}
	verdict(kept) == {"result": "pass"}
}

test_what_others_chose_is_asked_about_where_the_goal_asks_for_such_an_act if {
	every origin, code in {"untrusted": "sink_untrusted", "unknown": "sink_unknown"} {
		said := verdict(with_one("sink", origin))
		said.result == "escalate"
		said.code == code
		said.metadata.arguments == "/one"
	}
}

test_what_others_chose_is_asked_about_where_the_goal_leaves_the_choice_to_others if {
	call := sample.but(with_one("sink", "untrusted"), {"goal": {"asked": false, "delegates": true}})
	verdict(call).result == "escalate"
}

test_what_others_chose_denies_where_the_goal_does_not_ask_for_it if {
	every origin, code in {"untrusted": "sink_untrusted", "unknown": "sink_unknown"} {
		said := verdict(unasked(with_one("sink", origin)))
		said.result == "deny"
		said.code == code
	}
}

test_what_the_goal_rules_out_denies_though_it_leaves_the_choice_to_others if {
	call := sample.but(with_one("sink", "untrusted"), {"goal": {
		"acts": [],
		"asked": false,
		"delegates": true,
		"negated": ["send"],
	}})
	verdict(call).result == "deny"
}

test_one_bad_recipient_among_good_ones_is_asked_about if {
	said := verdict(sample.carrying(sample.send, [
		sample.argument("/recipients/0", "sink", "principal"),
		object.union(sample.argument("/recipients/1", "sink", "untrusted"), {"source": "d-7"}),
		sample.argument("/recipients/2", "sink", "unknown"),
	]))
	said.result == "escalate"
	said.code == "sink_untrusted"
	said.metadata == {"arguments": "/recipients/1, /recipients/2", "sources": "d-7"}
}

test_an_identifier_needs_to_exist if {
	every origin in ["trusted", "untrusted", "unknown"] {
		verdict(identified(origin, true)) == {"result": "pass"}
		verdict(identified(origin, false)).result == "escalate"
	}
	verdict(identified("principal", false)) == {"result": "pass"}
}

test_an_identifier_that_content_may_have_selected_is_asked_about if {
	every origin in ["trusted", "untrusted", "unknown"] {
		said := verdict(pointed_to(origin))
		said.result == "escalate"
		said.code == "sink_untrusted"
		verdict(unasked(pointed_to(origin))).result == "deny"
	}
	verdict(pointed_to("principal")) == {"result": "pass"}
}

test_an_amount_that_nobody_stated_passes_up_to_the_bound if {
	every origin in ["untrusted", "unknown"] {
		call := sample.but(with_one("amount", origin), {"tool": {"moves_value": true}})
		verdict(sample.but(call, {"call": {"amount": 2000}})) == {"result": "pass"}
		verdict(sample.but(call, {"call": {"amount": 2000.01}})).result == "escalate"
		said := verdict(sample.but(call, {"call": {"amount": 0.01}})) with data.pdp.parameters.sinks.unstated_amount as 0
		said.result == "escalate"
	}
}

test_a_quantity_that_nobody_stated_passes_up_to_the_same_bound if {
	every origin in ["untrusted", "unknown"] {
		call := with_one("amount", origin)
		pointer := call.provenance.arguments[_].pointer
		name := trim_left(pointer, "/")
		verdict(sample.but(call, {"call": {"arguments": {name: 2000}}})) == {"result": "pass"}
		verdict(sample.but(call, {"call": {"arguments": {name: -2000.5}}})).result == "escalate"
		verdict(sample.but(call, {"call": {"arguments": {name: "2"}}})) == {"result": "pass"}
		verdict(sample.but(call, {"call": {"arguments": {name: "1e9"}}})).result == "escalate"
	}
}

test_an_amount_that_the_principal_stated_has_no_bound if {
	verdict(sample.but(with_one("amount", "principal"), {"call": {"amount": 90000}})) == {"result": "pass"}
}

test_content_may_come_from_anywhere if {
	every origin in ["principal", "trusted", "untrusted", "unknown", "none"] {
		verdict(with_one("content", origin)) == {"result": "pass"}
	}
}

test_a_link_inside_content_that_leaves_is_a_sink if {
	every origin, result in {"principal": "pass", "trusted": "pass", "untrusted": "escalate", "unknown": "escalate"} {
		verdict(linking(sample.send, origin, false)).result == result
	}
	verdict(linking(sample.send, "untrusted", false)).code == "sink_untrusted"
	verdict(unasked(linking(sample.send, "untrusted", false))).result == "deny"
}

test_more_links_than_are_listed_are_asked_about if {
	verdict(linking(sample.send, "principal", true)).result == "escalate"
}

test_a_link_inside_content_that_stays_is_none if {
	every class in ["write", "execute"] {
		call := sample.but(sample.send, {"tool": {"class": class, "egress": false}})
		verdict(linking(call, "untrusted", true)) == {"result": "pass"}
	}
}

test_an_argument_that_the_catalogue_does_not_declare_denies if {
	every origin in ["principal", "untrusted", "none"] {
		said := verdict(with_one("undeclared", origin))
		said.result == "deny"
		said.code == "argument_undeclared"
	}
}

test_a_read_that_goes_out_is_judged_like_a_send if {
	fetch := sample.but(sample.read, {"tool": {"egress": true}})
	verdict(fetch).result == "escalate"
	verdict(sample.carrying(fetch, [sample.argument("/url", "sink", "principal")])) == {"result": "pass"}
}

test_a_page_that_somebody_named_shared_may_be_read if {
	link := object.union(
		sample.argument("/url", "sink", "untrusted"),
		{"holds": "url", "exists": true, "named": true},
	)
	fetch := sample.but(sample.read, {"tool": {"egress": true}})
	verdict(sample.carrying(fetch, [link])) == {"result": "pass"}
	every changes in [{"holds": "text"}, {"exists": false}, {"named": false}] {
		verdict(sample.carrying(fetch, [object.union(link, changes)])).result == "escalate"
	}
	verdict(sample.carrying(sample.send, [link])).result == "escalate"
}

test_an_administrative_act_takes_only_what_the_principal_named if {
	every kind in ["sink", "amount", "identifier"] {
		verdict(administrative(sample.argument("/one", kind, "principal"))) == {"result": "pass"}
		verdict(administrative(sample.argument("/one", kind, "trusted"))).result == "escalate"
		verdict(administrative(object.union(
			sample.argument("/one", kind, "untrusted"),
			{"exists": true, "named": true},
		))).result == "escalate"
	}
	verdict(administrative(object.union(sample.argument("/one", "sink", "trusted"), {"named": true}))) == {"result": "pass"}
	verdict(administrative(sample.argument("/role", "content", "principal"))) == {"result": "pass"}
	verdict(administrative(sample.argument("/role", "content", "unknown"))).result == "escalate"
}

test_a_class_that_is_a_mere_guess_is_asked_about_by_its_rule if {
	guessed := sample.but(sample.send, {"tool": {"class": "admin", "ungrounded": ["class"]}})
	verdict(guessed) == {"result": "pass"}
	verdict(unasked(sample.carrying(guessed, [sample.argument("/x", "sink", "unknown")]))).result == "escalate"
}

test_it_does_not_apply_to_closed_reads_and_drafts if {
	verdict(sample.read) == {"result": "not_applicable"}
	draft := sample.but(with_one("sink", "untrusted"), {"tool": {"class": "draft", "egress": false}})
	verdict(draft) == {"result": "not_applicable"}
}

test_it_does_not_apply_to_task_actions_nor_to_what_is_not_known if {
	every call in [sample.start_task, sample.complete_task, sample.unknown_tool] {
		verdict(call) == {"result": "not_applicable"}
	}
	verdict(sample.but(with_one("sink", "untrusted"), {"task": {"known": false}})) == {"result": "not_applicable"}
}

test_what_nobody_registered_is_left_to_the_rule_about_it if {
	call := sample.but(unasked(with_one("sink", "untrusted")), {"task": {"registered": false}})
	verdict(call) == {"result": "not_applicable"}
	said := verdict(call) with data.pdp.manifest.enforce as {}
	said.result == "deny"
}

test_a_word_that_nobody_knows_is_no_pass if {
	every changes in [{"kind": "junk"}, {"origin": "junk"}, {"kind": null}] {
		call := sample.carrying(sample.send, [object.union(sample.argument("/one", "sink", "principal"), changes)])
		verdict(call).result != "pass"
	}
}

test_a_missing_key_is_no_pass if {
	every path in ["provenance", "provenance/arguments", "goal", "tool/class", "tool"] {
		verdict(sample.without(with_one("sink", "untrusted"), path)).result in {"deny", "escalate"}
	}
	every path in ["provenance/arguments/0/kind", "provenance/arguments/0/origin", "provenance/arguments/1/embedded"] {
		verdict(sample.without(sample.send, path)).result != "pass"
	}
}

with_one(kind, origin) := sample.carrying(sample.send, [sample.argument("/one", kind, origin)])

identified(origin, exists) := sample.carrying(
	sample.send,
	[object.union(sample.argument("/id", "identifier", origin), {"exists": exists})],
)

pointed_to(origin) := sample.carrying(
	sample.send,
	[object.union(sample.argument("/id", "identifier", origin), {"exists": true, "pointed": true})],
)

linking(call, origin, more) := sample.carrying(call, [
	sample.argument("/to", "sink", "principal"),
	object.union(sample.argument("/body", "content", "unknown"), {
		"embedded": [{"kind": "url", "value": "https://a.example/", "origin": origin, "source": "", "sensitivity": 0}],
		"more": more,
	}),
])

administrative(argument) := sample.carrying(sample.but(sample.send, {"tool": {"class": "admin"}}), [argument])

unasked(call) := sample.but(call, {"goal": {"asked": false}})

verdict(call) := said if said := sinks.verdict with input as call
