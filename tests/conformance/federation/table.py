# SPDX-License-Identifier: Apache-2.0
"""The table of federations; README.md says what the words mean."""
import os

from tests.conformance.follow.table import Table

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
TABLE = Table(FOLDER)
