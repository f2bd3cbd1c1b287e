#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A run that copies many objects: sandbox|lab [OBJECTS]
cd "$(dirname "$0")/../.." && exec python3 -m tests.bench.copy build/release/orchestrator/crossfade "$@"
