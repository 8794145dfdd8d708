package main

import "strings"

// allowlist names the functions policy may call: those whose value depends on
// their arguments alone and that stop when told to. Whoever adds a name checks both.
var allowlist = []string{
	// Operators and what the compiler itself puts in.
	"assign", "eq", "equal", "neq", "lt", "lte", "gt", "gte",
	"plus", "minus", "mul", "div", "rem", "and", "or",
	"internal.member_2", "internal.member_3", "internal.template_string",
	"rego.metadata.chain", "rego.metadata.rule",
	// Erased by the compiler: policies may keep it, it prints nothing.
	"print",
	// Numbers and bits.
	"abs", "ceil", "floor", "round", "format_int", "numbers.range", "numbers.range_step", "to_number",
	"bits.and", "bits.lsh", "bits.negate", "bits.or", "bits.rsh", "bits.xor",
	"units.parse", "units.parse_bytes",
	// Aggregates.
	"count", "max", "min", "product", "sort", "sum",
	// Arrays, sets, objects, types.
	"array.concat", "array.flatten", "array.reverse", "array.slice",
	"intersection", "union",
	"object.filter", "object.get", "object.keys", "object.remove", "object.subset", "object.union", "object.union_n",
	"is_array", "is_boolean", "is_null", "is_number", "is_object", "is_set", "is_string", "type_name",
	"graph.reachable", "graph.reachable_paths", "walk",
	// Strings and patterns.
	"concat", "contains", "endswith", "indexof", "indexof_n", "lower", "replace", "split", "sprintf", "startswith",
	"strings.any_prefix_match", "strings.any_suffix_match", "strings.count", "strings.replace_n", "strings.reverse",
	"strings.split_n", "substring", "trim", "trim_left", "trim_prefix", "trim_right", "trim_space", "trim_suffix", "upper",
	"regex.find_all_string_submatch_n", "regex.find_n", "regex.is_valid", "regex.match", "regex.replace", "regex.split",
	"regex.template_match", "glob.match", "glob.quote_meta", "semver.compare", "semver.is_valid",
	// Encodings.
	"base64.decode", "base64.encode", "base64.is_valid", "base64url.decode", "base64url.encode", "base64url.encode_no_pad",
	"hex.decode", "hex.encode", "crypto.sha256",
	"json.filter", "json.is_valid", "json.marshal", "json.marshal_with_options", "json.patch", "json.remove", "json.unmarshal",
	"uri.is_valid", "uri.parse", "urlquery.decode", "urlquery.decode_object", "urlquery.encode", "urlquery.encode_object",
	// Arithmetic on times that are in the input.
	"time.add_date", "time.clock", "time.date", "time.diff", "time.format", "time.parse_duration_ns", "time.parse_ns",
	"time.parse_rfc3339_ns", "time.weekday",
}

// features of the language that policies may use: Rego v1 as OPA 1.0 defined it and what
// has become part of it since. What a later Rego changes waits until it has settled,
// because a decision must replay the same for ever.
var features = []string{"keywords_in_refs", "rego_v1", "template_strings"}

// refusals says why, for functions whose names begin so.
var refusals = []struct{ prefix, reason string }{
	{"http.", "a decision depends on its input and its bundle alone, so policy has no network"},
	{"net.", "a decision depends on its input and its bundle alone, so policy has no network; addresses arrive as typed values in the input"},
	{"time.now_ns", "the time of the decision is in the input, so that a decision can be replayed"},
	{"rand.", "the same input must always give the same decision"},
	{"uuid.", "the same input must always give the same decision"},
	{"opa.runtime", "a decision must be the same on every host"},
	{"io.jwt.", "tokens are verified before policy sees them; who is calling is in the input"},
	{"crypto.x509.", "certificates are verified before policy sees them; who is calling is in the input"},
	{"crypto.parse_private_keys", "policy holds no keys"},
	{"crypto.hmac.", "policy holds no keys"},
	{"crypto.", "only crypto.sha256 is offered"},
	{"providers.", "policy signs nothing and holds no credentials"},
	{"json.match_schema", "arguments are validated against the tool's schema before policy sees them"},
	{"json.verify_schema", "arguments are validated against the tool's schema before policy sees them"},
	{"rego.parse_module", "policy does not parse policy"},
	{"trace", "it would have no effect"},
	{"all", "it is deprecated; write every"},
	{"any", "it is deprecated; write some"},
}

func reasonRefused(builtin string) string {
	for _, refusal := range refusals {
		if strings.HasPrefix(builtin, refusal.prefix) {
			return refusal.reason
		}
	}
	return "it is not on the list of functions whose value depends on their arguments alone and whose cost is bounded"
}
