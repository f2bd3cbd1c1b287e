# SPDX-License-Identifier: Apache-2.0
"""The table of Velero; README.md says what the words mean."""
import os

from tests.conformance.follow.table import Table

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
TABLE = Table(FOLDER, {
    "volume": {"in", "put", "remove", "files", "same_as", "within_s", "why"},
    "fetch": {"on", "fields", "message", "each", "keep", "within_s", "why"},
})
