package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

var update = flag.Bool("update", false, "write capabilities.json anew")

func TestCapabilitiesAreTheAllowlistAsThisOPADeclaresIt(t *testing.T) {
	made, err := json.MarshalIndent(map[string]any{
		"builtins":  declarations(t),
		"features":  features,
		"allow_net": []string{}, // none; absent would mean any
	}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	made = append(made, '\n')
	if *update {
		if err := os.WriteFile("capabilities.json", made, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(made, capabilitiesJSON) {
		t.Fatal("capabilities.json is stale: run go test -run Capabilities -update, and read the difference")
	}
}

func declarations(t *testing.T) []*ast.Builtin {
	var found []*ast.Builtin
	for _, builtin := range ast.CapabilitiesForThisVersion().Builtins {
		if slices.Contains(allowlist, builtin.Name) {
			if builtin.Nondeterministic || builtin.IsDeprecated() {
				t.Errorf("%s is not deterministic or deprecated", builtin.Name)
			}
			found = append(found, builtin.Minimal())
		}
	}
	if len(found) != len(allowlist) {
		t.Errorf("%d functions are allowed, this OPA has %d of them", len(allowlist), len(found))
	}
	return found
}

func TestEveryFunctionOutsideTheAllowlistIsRefusedAtLoadAndTheMessageSaysWhy(t *testing.T) {
	for name := range refusedBuiltins() {
		if reasonRefused(name) == "" {
			t.Errorf("%s is refused without a reason", name)
		}
	}
	if _, refused := refusedBuiltins()["http.send"]; !refused {
		t.Error("http.send is not refused")
	}
}
