#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fault to last failed request, on real clusters (root).
cd "$(dirname "$0")/../.." && exec python3 -m tests.bench.rollback build/release/orchestrator/crossfade "$@"
