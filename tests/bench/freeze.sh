#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How long the writers stand still on a real Velero, again and again, beside what was told before (root; four runs, or as many as told; two to three minutes each).
set -e
cd "$(dirname "$0")/../.."
ninja -C build/release crossfade >/dev/null
exec python3 -m tests.bench.freeze build/release/orchestrator/crossfade "$@"
