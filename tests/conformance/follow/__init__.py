# SPDX-License-Identifier: Apache-2.0
"""Tables of operations and what follows them: objects, fields, orders of events. What is common to the tables of systems that
work by themselves (a federation, a mover of volumes); each has a folder of its own with its cases, its world and its own words."""
