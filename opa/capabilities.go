package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// What policy may call: OPA's declarations of the functions in allowlist.go. Made
// by "go test -run Capabilities -update"; also of use to "opa check --capabilities".
//
//go:embed capabilities.json
var capabilitiesJSON []byte

var capabilities = sync.OnceValue(func() *ast.Capabilities {
	c, err := ast.LoadCapabilitiesJSON(bytes.NewReader(capabilitiesJSON))
	if err != nil {
		panic("capabilities.json: " + err.Error())
	}
	return c
})

// refusedBuiltins is every function this OPA has and policy may not call. The
// compiler does not know them through the capabilities; naming them is the second
// lock on the same door.
var refusedBuiltins = sync.OnceValue(func() map[string]struct{} {
	refused := map[string]struct{}{}
	for _, builtin := range ast.Builtins {
		// print is erased by the compiler, so it is never called.
		if !capabilities().ContainsBuiltin(builtin.Name) && !strings.Contains(builtin.Name, "print") {
			refused[builtin.Name] = struct{}{}
		}
	}
	return refused
})

// A policy author needs the first few faults; a thousand help nobody.
const maxFaults, maxExplanationBytes = 10, 8 << 10

// How the compiler names a function that it does not know, called or behind "with".
var unknownFunction = regexp.MustCompile(`(?:undefined function |must not be unsafe: ")([\w.]+)`)

// explain makes the compiler's faults one message and says of a function that is
// refused, why it is.
func explain(faults ast.Errors) error {
	slices.SortFunc(faults, func(a, b *ast.Error) int { return strings.Compare(a.Error(), b.Error()) })
	var lines []string
	for _, fault := range faults[:min(len(faults), maxFaults)] {
		line := fault.Error()
		if match := unknownFunction.FindStringSubmatch(line); match != nil {
			if _, refused := refusedBuiltins()[match[1]]; refused {
				line += "\n\t" + match[1] + " is not available to policy: " + reasonRefused(match[1])
			}
		}
		lines = append(lines, line)
	}
	if more := len(faults) - maxFaults; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return fmt.Errorf("%s", clip(strings.Join(lines, "\n"), maxExplanationBytes))
}
