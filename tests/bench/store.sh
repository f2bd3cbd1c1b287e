#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Durable steps per second through the store, beside pgbench with the same statement.
cd "$(dirname "$0")/../.." && exec python3 -m tests.bench.store "$@"
