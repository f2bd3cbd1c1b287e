// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools pins the ingress-nginx controller, which is built from its own package path.
package tools

import _ "k8s.io/ingress-nginx/cmd/nginx"
