// pdp-opa is the OPA that decides. As "pdp-opa decide" it is the PDP's child
// process: it answers batches of evaluations over a socket it inherits. Any
// other command line is OPA's own, so that what a policy author checks, tests
// and formats with is exactly what decides.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/open-policy-agent/opa/cmd"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "decide" {
		if err := decide(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "pdp-opa decide:", err)
			os.Exit(2)
		}
		return
	}
	if err := cmd.RootCommand.Execute(); err != nil {
		var exit *cmd.ExitError
		if errors.As(err, &exit) {
			os.Exit(exit.Exit)
		}
		os.Exit(1)
	}
}
