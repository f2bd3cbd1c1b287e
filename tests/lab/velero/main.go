// SPDX-License-Identifier: Apache-2.0

// Command velero is Velero's server, node-agent and command line as a plain process. It differs from
// the original's main in one thing: controller-runtime's metrics listener, which has no flag and would
// be on port 8080 of every address, is off. Velero's own metrics have a flag and stay.
package main

import (
	"os"
	"path/filepath"

	"github.com/vmware-tanzu/velero/pkg/cmd"
	"github.com/vmware-tanzu/velero/pkg/cmd/velero"
	"k8s.io/klog/v2"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	defer klog.Flush()
	metricsserver.DefaultBindAddress = "0"
	cmd.CheckError(velero.NewCommand(filepath.Base(os.Args[0])).Execute())
}
