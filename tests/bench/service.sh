#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The service at rest: start to ready, memory.
cd "$(dirname "$0")/../.." && exec python3 -m tests.bench.service build/release/orchestrator/crossfade "$@"
