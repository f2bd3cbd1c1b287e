# SPDX-License-Identifier: Apache-2.0
"""The command line of the lab: `lab COMMAND`."""

import sys

from .errors import LabError
from .layout import Layout
from .process import Processes
from .solo import Solo


def main(words: list[str]) -> int:
    layout = Layout()
    layout.make()
    processes = Processes(layout)
    try:
        if words[:2] == ["up", "apiserver"]:
            Solo(layout, processes).up()
        elif words[:2] == ["down", "apiserver"]:
            Solo(layout, processes).down()
        return 0
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return error.exit_code
