# SPDX-License-Identifier: Apache-2.0
"""The one exception that the lab turns into a message and an exit code."""


class LabError(Exception):
    """Something went wrong that the user can read about; exit is the process's exit code."""

    def __init__(self, message: str, exit_code: int = 1):
        super().__init__(message)
        self.exit_code = exit_code


EXIT_SKIPPED = 77  # not root: a test that needs the lab counts as skipped
