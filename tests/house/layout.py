#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every .c and .h is laid out as .clang-format says.

Layout differs from one major version of clang-format to the next, so only the one named here is asked. Without it nothing is
checked: that is said, and the exit status is 77 (skipped), or 1 under CI=true. Prints file:line for each break and exits with 1.
Before that it shows itself that it finds a planted break.
"""
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = {".git", "build", "node_modules", "state", "vendor", "__pycache__"}
MAJOR = 14  # Debian 12's
SKIP = 77
AT_ONCE = 40  # files for one process
BREAK = re.compile(r"^(\S+?:\d+):\d+: error: code should be clang-formatted", re.M)
PLANTED = "int  f( void );\n"


def formatter():
    """Path of the clang-format that we ask, or None and why not."""
    found = "it is not installed"
    for name in (f"clang-format-{MAJOR}", "clang-format"):
        path = shutil.which(name)
        if not path:
            continue
        said = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        version = re.search(r"version (\d+)", said)
        if version and int(version[1]) == MAJOR:
            return path, ""
        found = said.strip()
    return None, found


def sources():
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in SKIPPED)
        yield from (os.path.relpath(os.path.join(folder, f), ROOT) for f in sorted(files) if f.endswith((".c", ".h")))


def breaks(path, files, text=None):
    """file:line of each break. A file that cannot be read at all is a failure of the check itself."""
    command = [path, "--style=file", "--dry-run", "--Werror", "--ferror-limit=0"]
    command += files if text is None else ["--assume-filename=planted.c"]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, text=True, errors="replace")
    found = BREAK.findall(done.stderr)
    if done.returncode and not found:
        sys.exit(f"clang-format failed: {done.stderr[:1000]}")
    return found


def main():
    path, why = formatter()
    if not path:
        print(f"LAYOUT IS NOT CHECKED: it takes clang-format {MAJOR}, but {why}.")
        return 1 if os.environ.get("CI") == "true" else SKIP
    assert breaks(path, [], PLANTED), "a planted break was not found"
    assert not breaks(path, [], "int f(void);\n"), "good layout was called a break"
    files = list(sources())
    assert len(files) > 100, f"only {len(files)} files found under {ROOT}"
    found = [line for i in range(0, len(files), AT_ONCE) for line in breaks(path, files[i:i + AT_ONCE])]
    print("\n".join(f"{place}: not laid out as .clang-format says (clang-format -i does it)" for place in found)
          or f"{len(files)} files")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
