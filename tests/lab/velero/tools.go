// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools pins what is built from its own package path: the helper that holds a restored pod
// back, the object store plugin, and the S3 server.
package tools

import (
	_ "github.com/johannesboyne/gofakes3/cmd/gofakes3"
	_ "github.com/kubernetes-csi/external-snapshotter/client/v8/apis/volumesnapshot/v1"
	_ "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws"
	_ "github.com/vmware-tanzu/velero/cmd/velero-restore-helper"
)
