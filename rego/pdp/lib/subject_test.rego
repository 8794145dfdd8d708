package pdp.lib.subject_test

import data.pdp.lib.sample_test as sample
import data.pdp.lib.subject

test_a_subject_that_nobody_lists_may_act if {
	prepares_only(sample.send, []) == false
	prepares_only(sample.send, ["agent:other", "service:*", "spiffe://example.org/agent"]) == false
}

test_a_subject_of_a_delegated_task_prepares_only if {
	prepares_only(sample.but(sample.send, {"task": {"delegated": true}}), []) == true
}

test_a_listed_subject_prepares_only if {
	every pattern in ["agent:spiffe://example.org/agent", "agent:*", "*/agent", "*:spiffe://example.org/ag?nt"] {
		prepares_only(sample.send, ["agent:other", pattern]) == true
	}
}

test_nobody_knows_what_a_missing_key_or_a_list_that_is_none_means if {
	not known(sample.without(sample.send, "task/delegated"), [])
	not known(sample.without(sample.send, "task/delegated"), ["agent:other"])
	not known(sample.without(sample.send, "subject/type"), ["agent:other"])
	not known(sample.send, "agent:*")
	not known(sample.send, null)
}

prepares_only(call, listed) := said if {
	said := subject.prepares_only with input as call with data.pdp.parameters.task_actions.prepare_only as listed
}

known(call, listed) if is_boolean(prepares_only(call, listed))
