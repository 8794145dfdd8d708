package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// opas evaluates with OPA's own caches.
func opas(t *testing.T, p *policy, input ast.Value) string {
	t.Helper()
	q, err := p.query("p/v")
	if err != nil {
		t.Fatal(err)
	}
	results, err := q.prepared.Eval(t.Context(), rego.EvalParsedInput(input), rego.EvalTransaction(q.txn))
	if err != nil {
		return classify(err).Error()
	}
	if len(results) == 0 {
		return "p/v is undefined for this input"
	}
	return results[0].Expressions[0].Value.(ast.Value).String()
}

func TestAPolicyDecidesTheSameWithTheseCachesAndWithOPAs(t *testing.T) {
	for _, rego := range []string{
		`a := b + b
		b := input.t1 + 1
		v := [a, b, a, b]`,
		`w := input.t1
		v := [w, x, y, w] if { x := w with input.t1 as 2; y := w with input as {"t1": 3} }`,
		`w := data.d.list
		x := y if { y := w with data.d.list as [1] with input.t1 as 5 }
		v := [w, x, w, data.d.list]`,
		`f(x) := y if { y := x * 2 }
		v := [f(1), f(2), f(1), f(input.t1)]`,
		`f(x) := y if { y := x * 2 }
		v := sum([f(n) | some n in numbers.range(1, 3000)]) + sum([f(n) | some n in numbers.range(1, 3000)])`,
		`f(x) := true if x > 1
		g(x) := false if x > 1
		v := [[n | some n in [0, 1, 2, 3]; f(n)], [n | some n in [0, 1, 2, 3]; not g(n)]]`,
		`u if input.zzz
		v := [x | some x in [1, 2, 3]; not u]`,
		`s contains x if { some x in [1, 2, 3] }
		v := [x | some x in [0, 1, 2]; x in s]`,
		`o[x] := y if { some x in ["a", "b"]; y := concat("-", [x, x]) }
		v := [o.a, o.b, o, o.a]`,
		`o[x][y] := z if { some x in ["a", "b"]; some y in [1, 2]; z := sprintf("%s%d", [x, y]) }
		v := [o.a[1], o.b[_], o.a[2], o]`,
		`v := [data.d["1"], data.d.list[0], data.d.list[1]]`, `v := data.d[1]`, `v := data.d.list["0"]`, `v := data.d.list[1.0]`,
		`v := data.d[["a"]]`, `v := data.d[input.zzz]`, `v := [x | x := data.d[_]]`, `v := data.d`, `v := {k | data.d[k]}`,
		`v := {k: count(x) | some k, x in data.d}`,
		`w := 1 / input.t0
		v := w`, `w := 1 if input.t1 == 1
		w := 2 if input.t0 == 0
		v := w`,
		`default w := "none"
		w := 1 if input.zzz
		v := [w, x, w] if { x := w with input.zzz as true }`,
		`p1 if p2
		p2 if input.t1 == 1
		v := [x | some x in [true, false]; x == p1]`,
	} {
		p := loaded(t, rego)
		input, err := parseObject([]byte(`{"t1":1,"t0":0}`))
		if err != nil {
			t.Fatal(err)
		}
		want := opas(t, p, input)
		// Twice: nothing may be left of an evaluation for the next.
		for range 2 {
			q, err := p.query("p/v")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if value, err := q.value(input, topdown.NewCancel()); err != nil {
				got = err.Error()
			} else {
				got = value.String()
			}
			if got != want {
				t.Errorf("%s\n  %s, with OPA's %s", rego, got, want)
			}
		}
	}
}

func TestNoEvaluationSeesWhatAnotherHasComputed(t *testing.T) {
	p := loaded(t, `w := {"x": input.x}
	f(y) := [y, input.x]
	v := [w, f(1), u]
	default u := "no"
	u := "yes" if input.x > 1`)
	q, err := p.query("p/v")
	if err != nil {
		t.Fatal(err)
	}
	for x := range 4 {
		input, err := parseObject(fmt.Appendf(nil, `{"x":%d}`, x))
		if err != nil {
			t.Fatal(err)
		}
		value, err := q.value(input, topdown.NewCancel())
		if err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`[{"x": %d}, [1, %d], "no"]`, x, x)
		if x > 1 {
			want = strings.Replace(want, "no", "yes", 1)
		}
		if value.String() != want {
			t.Errorf("%s, not %s", value, want)
		}
	}
}

func TestATableKeepsReferencesApartHoweverManyThereAre(t *testing.T) {
	v := newValues()
	defer v.release()
	reference := func(i int) ast.Ref {
		return ast.Ref{ast.DefaultRootDocument, ast.StringTerm("r"), ast.IntNumberTerm(i % 7), ast.IntNumberTerm(i)}
	}
	const many = 5 * maxKeptEntries
	for i := range many {
		if i%3 == 0 {
			v.Put(reference(i), nil)
		} else {
			v.Put(reference(i), ast.IntNumberTerm(i))
		}
	}
	v.Push()
	if value, undefined := v.Get(reference(1)); value != nil || undefined {
		t.Error("what was put before a push is there after it")
	}
	v.Pop()
	for i := range many {
		value, undefined := v.Get(reference(i))
		if undefined != (i%3 == 0) || !undefined && !value.Equal(ast.IntNumberTerm(i)) {
			t.Fatalf("%d: %v, %v", i, value, undefined)
		}
	}
	if value, undefined := v.Get(reference(many)); value != nil || undefined {
		t.Error("what was not put is there")
	}
	if got := len(v.Keys()); got != many-(many+2)/3 {
		t.Errorf("%d keys", got)
	}
}
