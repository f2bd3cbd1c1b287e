#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What our control adds to a real Velero, beside a bare script that moves the same bytes (root; two pairs, or as many as told; four minutes each).
set -e
cd "$(dirname "$0")/../.."
ninja -C build/release crossfade >/dev/null
exec python3 -m tests.bench.velero_overhead build/release/orchestrator/crossfade "$@"
