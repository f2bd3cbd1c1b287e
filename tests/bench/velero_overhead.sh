#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What our control adds to Velero's own time while runs move data in a lab (`tests/lab/lab up velero`, root): [STATE FOLDER] [RUNS]
cd "$(dirname "$0")/../.." || exit 1
exec python3 -m tests.bench.velero_overhead "${1:-tests/lab/state}" "${2:-5}"
