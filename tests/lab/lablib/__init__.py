# SPDX-License-Identifier: Apache-2.0
"""The lab: real clusters, gateways and databases in network namespaces of this machine.

Python standard library only. Floors, from below: errors, layout, netns -> process, build -> pki and
the parts (network, cluster, istio, ingress, prometheus, postgres, solo) -> faults -> cli.
"""
