#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A namespace from one real API server to another, beside kubectl and a parallel client (root).
set -e
cd "$(dirname "$0")/../.."
ninja -C build/release bench_propagate_copy bench_base_delay >/dev/null
exec python3 -m tests.bench.copy_lab build/release/tests/bench/bench_propagate_copy build/release/tests/bench/bench_base_delay "$@"
