package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

func TestWhatIsReadIsWhatOPAReads(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, ` { "a" : [ 1 , 2.50 , -0 , 1E+2 , 1e-308 , {} ] } `, `"\u00e9\ud83d\ude00\/\b\f\n\r\t\"\\x"`,
		`{"":null,"é":true,"日本":false,"a":{"a":{"a":[]}}}`, `12345678901234567890123456789012345678901234567890`,
		`[0,-0,0.0,1.10,100000000000000000000000000000]`, `"` + strings.Repeat("x", 5000) + `"`, "\"\u007f\u2028\"",
		`[` + strings.Repeat(`{"k":1},`, 500) + `0]`, manyKeys(300),
	} {
		want, err := ast.ValueFromReader(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseAll([]byte(text))
		if err != nil {
			t.Errorf("%.60s: %v", text, err)
		} else if got.Compare(want) != 0 || got.String() != want.String() {
			t.Errorf("%.60s: read as %.60s, by OPA as %.60s", text, got, want)
		}
	}
}

func TestWhatIsNotStrictJSONIsRefused(t *testing.T) {
	for _, text := range []string{
		``, ` `, `nul`, `nulll`, `tru`, `{`, `}`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`,
		`01`, `-`, `+1`, `.5`, `1.`, `1e`, `1e+`, `0x1`, `NaN`, `Infinity`, `1 1`, `"`, `"\`, `"\x"`, `"\u12"`, `"\u12g4"`,
		`"\ud800"`, `"\udc00"`, `"\ud800\ud800"`, `"\ud800x"`, "\"\x01\"", "\"a\\n\x1f\"", "\"\xff\"", "\"\xed\xa0\x80\"", "\ufeff{}",
		`{"a":1,"b":2,"a":3}`, `{"a":1,"\u0061":2}`, manyKeys(300)[:len(manyKeys(300))-1] + `,"k7":0}`, "{}\x00", "1\x00",
		strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
		strings.Repeat("9", maxNumberDigits+1), "1e309", "1e-309", "-1E99999999999999999999",
	} {
		if value, err := parseAll([]byte(text)); err == nil {
			t.Errorf("%.60q is read as %.60s", text, value)
		}
	}
}

func TestLimitsAdmitWhatTheyName(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth),
		strings.Repeat("9", maxNumberDigits), "1e308", "1e-308", "1e0000000308",
	} {
		if _, err := parseAll([]byte(text)); err != nil {
			t.Errorf("%.60s: %v", text, err)
		}
	}
}

func FuzzWhateverIsReadIsJSONAndReadAsOPAReadsIt(f *testing.F) {
	f.Add([]byte(`{"a":[1,2.5e3,"\u00e9\\",null,true]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseAll(text)
		if err != nil {
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q is not JSON", text)
		}
		want, err := ast.ValueFromReader(bytes.NewReader(text))
		if err != nil || got.Compare(want) != 0 {
			t.Fatalf("%q: read as %s, by OPA as %s (%v)", text, got, want, err)
		}
		w := resultWriter{limit: 1 << 20}
		if err := w.value(got, 0); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again, err := parseAll(w.out)
		if err != nil || again.Compare(got) != 0 {
			t.Fatalf("%q: written as %s", text, w.out)
		}
	})
}

func manyKeys(n int) string {
	keys := map[string]int{}
	for i := range n {
		keys["k"+string(rune('0'+i%10))+strings.Repeat("x", i/10)] = i
	}
	delete(keys, "k7")
	keys["k7"] = 7
	encoded, _ := json.Marshal(keys)
	return string(encoded)
}

func parseAll(text []byte) (ast.Value, error) {
	return reading{input: everything}.parseValue(text)
}
