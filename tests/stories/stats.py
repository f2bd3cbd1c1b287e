# SPDX-License-Identifier: Apache-2.0
"""Whether what a client saw fits what a gateway was told."""
from math import exp, lgamma, log, log1p


def _log_pmf(n, k, p):
    if p in (0, 1):
        return 0.0 if k == n * p else float("-inf")
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p)


def binomial_two_sided(n, k, p):
    """The probability, under share p, of a count at least as unlikely as k of n (exact)."""
    here = _log_pmf(n, k, p)
    return min(1.0, sum(exp(_log_pmf(n, i, p)) for i in range(n + 1) if _log_pmf(n, i, p) <= here + 1e-9))


def fits(n, k, p, level=1e-6):
    return n == 0 or binomial_two_sided(n, k, p) >= level
