#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that moves many claims in the sandbox: [CLAIMS] [STRATEGY] [CLAIMS PER WORKLOAD]
cd "$(dirname "$0")/../.." && exec python3 -m tests.bench.volumes build/release/orchestrator/crossfade "$@"
