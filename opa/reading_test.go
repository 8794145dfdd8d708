package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/topdown"
)

const document = `{"a":{"b":{"c":1,"d":[{"e":2,"f":3},{"e":4}]},"k":"b","n":null},"b":"c","list":["a","b"],"deep":{"x":{"y":{"z":5}}},"t":true}`

func loaded(t *testing.T, rego string) *policy {
	t.Helper()
	source, err := json.Marshal(map[string]any{
		"modules": map[string]string{"p.rego": "package p\n" + rego},
		"data":    map[string]any{"d": map[string]any{"1": "one", "list": []int{7, 8}, "keys": []string{"b", "k"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p, _, err := loadPolicy("r", []string{"p/v"}, source)
	if err != nil {
		t.Fatalf("%s: %v", rego, err)
	}
	return p
}

// decided is the value of data.p.v, or the fault, as text.
func decided(t *testing.T, p *policy, read reading, input string) string {
	t.Helper()
	q, err := p.query("p/v")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := read.parse([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	value, err := q.value(parsed, topdown.NewCancel())
	if err != nil {
		return err.Error()
	}
	return value.String()
}

func TestAPolicyDecidesTheSameWhetherItIsGivenAllOrWhatItReads(t *testing.T) {
	for _, rego := range []string{
		`v := input`, `v := [input, 1]`, `v := object.keys(input)`, `v := {p | walk(input, [p, _])}`, `v := json.marshal(input)`,
		`v := input.a`, `v := input.a.b.c`, `v := input["a"]["k"]`, `v := input.a.b.d[1].e`, `v := input.a.b.d[_].f`, `v := input.a.n`,
		`v := input.a[input.b]`, `v := input.a[input.a.k].c`, `v := [x | some x in input.a]`, `v := [k | some k, _ in input]`,
		`v := {k: x | x := input[k]}`, `v := [x | x := input[data.d.keys[_]]]`, `v := input[input.list[_]].k`,
		`v := count(input.a)`, `v := object.get(input, ["deep", "x", "y"], 0)`, `v := object.get(input.deep, "x", 0)`,
		`v := x if { a := input.a; x := a.b.c }`, `v := x if { {"b": x} = {"b": input.deep.x.y} }`,
		`v := x if { {"c": x, "d": _} = input.a.b }`, `v := x if { x := input.deep.x; x.y.z == 5 }`,
		`f(x) := x.b.c
		v := f(input.a)`, `f(x) := x.deep
		v := f(input)`, `f(a) := 1 if a.b
		else := 2
		v := [f(input.a), f(input.deep)]`,
		`v if { every x in input.a.b.d { x.e > 1 } }`, `v if { not input.a.zzz }`, `v if { not input.a.b }`,
		`default v := 0
		v := 1 if input.zzz
		else := input.deep.x.y.z if input.a.k == "b"`,
		`v contains input.a.k`, `v[input.b] := input.a.k`, `v[input.b].x[input.a.k] := input.t`, `v contains x if { some x in input.list }`,
		`w := input.a.b.c
		v := [w, x] if { x := w with input.a.b.c as 9 }`, `w := input
		v := x if { x := w with input.a.k as "z" }`, `w := input.deep
		v := x if { x := w with input as {"deep": input.a} }`, `w := data.d.list
		v := x if { x := w with data.d.list as input.list }`,
		`v := $"{input.a.k} and {input.b}"`, `v := sprintf("%v %v", [input.deep, input.list])`, `v := {"x": {input.a.b.c: [input.t]}}`,
		`v := [input.a.b.c | input.t]`, `v := input.a.b.c / 0`, `v := input.zzz`, `import input.a.b as ab
		v := ab.c`,
	} {
		p := loaded(t, rego)
		whole, wanted := decided(t, p, reading{input: everything}, document), decided(t, p, p.reading, document)
		if whole != wanted {
			t.Errorf("%s\n  given all:           %s\n  given what it reads: %s", rego, whole, wanted)
		}
	}
}

func TestWhatAPolicyCannotReadIsNotKept(t *testing.T) {
	for rego, want := range map[string]string{
		`v := 1`:                   `{}`,
		`v := input.a.k`:           `{"a": {"k": "b"}}`,
		`v := input.a.b.d[0].e`:    `{"a": {"b": {"d": [{"e": 2, "f": 3}, {"e": 4}]}}}`,
		`v := input.deep[input.b]`: `{"b": "c", "deep": {"x": {"y": {"z": 5}}}}`,
		`v := [input.deep.x.y.z, input.t, input.zzz]`: `{"deep": {"x": {"y": {"z": 5}}}, "t": true}`,
	} {
		object, err := loaded(t, rego).reading.parse([]byte(document))
		if err != nil || object.String() != want {
			t.Errorf("%s reads %s (%v), not %s", rego, object, err, want)
		}
	}
}

func TestWhatAPolicyCannotReadIsCheckedLikeTheRest(t *testing.T) {
	p := loaded(t, `v := input.a`)
	for _, unread := range []string{
		`{"x":1,"x":2}`, `[1,]`, `1e999`, `"\ud800"`, "\"\xff\"", `tru`, strings.Repeat("9", maxNumberDigits+1),
		`[[{"k":{"k":1,"k":1}}]]`, strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), `{"x":}`,
	} {
		if read, err := p.reading.parse([]byte(`{"a":1,"unread":` + unread + `}`)); err == nil {
			t.Errorf("%.40q is read as %s", unread, read)
		}
	}
	if _, err := p.reading.parse([]byte(`{"unread":1,"a":1,"unread":2}`)); err == nil {
		t.Error("a key that is not read may appear twice")
	}
}
