// SPDX-License-Identifier: Apache-2.0

// Command istiod is Istio's control plane as a plain process: the pilot-discovery command of the
// Istio module, without its webhooks and its certificate authority (see the flags in lib/gateway.sh).
package main

import (
	"fmt"
	"os"

	"istio.io/istio/pilot/cmd/pilot-discovery/app"
)

func main() {
	if err := app.NewRootCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
