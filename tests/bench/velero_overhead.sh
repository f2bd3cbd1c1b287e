#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What our control adds to Velero's own time while runs move data on a real one (root; [RUNS], two to three minutes each).
cd "$(dirname "$0")/../.." && exec python3 -m tests.bench.velero_overhead build/release/orchestrator/crossfade "$@"
