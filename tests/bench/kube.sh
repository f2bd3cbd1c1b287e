#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Calls per second of the cluster client on a real API server, beside plain curl handles in the same run.
set -e
cd "$(dirname "$0")/../.."
tests/lab/lab up apiserver >/dev/null
ninja -C build/release bench_kube_calls >/dev/null
CROSSFADE_TEST_KUBECONFIG=$(ls "${CROSSFADE_LAB_STATE:-${XDG_STATE_HOME:-$HOME/.local/state}/crossfade-lab}"/pki/solo/admin.kubeconfig)
export CROSSFADE_TEST_KUBECONFIG
find build/release -name bench_kube_calls -type f -exec {} "$@" \;
tests/lab/lab down apiserver >/dev/null
