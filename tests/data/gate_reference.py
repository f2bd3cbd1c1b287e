#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes the reference values of the gate's mathematics, independently of the C code.

Bounds come from exact rational binomial tails and bisection; the detector is the definition, looked at by look.
Run it to make gate_reference.json anew: python3 tests/data/gate_reference.py > tests/data/gate_reference.json
"""
import json
import random
from fractions import Fraction
from math import comb, log


def tail_at_most(n, k, p):
    """P(at most k of n fail), exactly."""
    q = 1 - p
    return sum(comb(n, i) * p**i * q ** (n - i) for i in range(k + 1))


def upper(n, k, confidence=Fraction(99, 100)):
    if n == 0 or k >= n:
        return 1.0
    low, high = Fraction(k, n), Fraction(1)
    for _ in range(48):
        mid = (low + high) / 2
        mid = Fraction(round(mid * 2**52), 2**52)
        if tail_at_most(n, k, mid) > 1 - confidence:
            low = mid
        else:
            high = mid
    return float(high)


BETS = [0.01, 0.03, 0.1, 0.3, 0.6, 0.9]


def detector(p0, alpha, look_ms, looks):
    sums = [0.0] * 6
    threshold = 3600_000 / look_ms / alpha
    trace = []
    for n, k in looks:
        if n:
            sums = [(1 + r) * (1 - b + b * k / (n * p0)) for r, b in zip(sums, BETS)]
            sums = [min(r, 1e200) for r in sums]
        mean = sum(sums) / 6
        trace.append({"n": n, "k": k, "mean": mean, "alarm": mean >= threshold})
    return {"p0": p0, "alpha": alpha, "lookMs": look_ms, "trace": trace}


def streams():
    rng = random.Random(20261121)
    for p0, look_ms, rate, fault in [
        (0.005, 1000, 100, 0.0), (0.005, 1000, 100, 0.05), (0.005, 200, 20, 1.0), (0.0005, 1000, 1000, 0.01),
        (0.05, 1000, 3, 0.4), (0.01, 15000, 700, 0.02), (0.005, 1000, 0, 0.0), (0.3, 1000, 50, 0.35),
    ]:
        looks = []
        for i in range(60):
            n = max(0, int(rng.gauss(rate, rate**0.5))) if rate else 0
            p = fault if i >= 20 else p0 / 5
            looks.append((n, sum(rng.random() < p for _ in range(n))))
        yield detector(p0, 0.01, look_ms, looks)


bounds = []
for n, k in [(0, 0), (1, 0), (1, 1), (2, 1), (10, 0), (10, 1), (10, 9), (92, 0), (93, 0), (100, 1), (100, 5),
             (500, 3), (921, 0), (1000, 10), (2000, 1), (3000, 60)]:
    bounds.append({"n": n, "k": k, "upper": upper(n, k)})

print(json.dumps({
    "note": "made by gate_reference.py",
    "bounds": bounds,
    "needWithoutFailures": [{"detect": d, "n": next(n for n in range(1, 10**7) if 1 - 0.01 ** (1 / n) < d)}
                            for d in (0.5, 0.05, 0.01, 0.005)],
    "lnHundred": log(100),
    "detector": list(streams()),
}, indent=1))
