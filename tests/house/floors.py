#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The house rules that a compiler does not see, checked on every file of the tree:

- a folder includes only from floors below its own (docs/architecture.md), and rooms have no cycles;
- product code never includes from tests/, and a unit test stays at or below the floor of its room;
- every .c and .h begins with the SPDX line and then a comment that says what the file is for;
- no file has more than 600 lines, unless its first comment says "Long because";
- functions that cannot be used safely are not used in product code.

Prints file:line for each break and exits with 1. Before that it shows itself that it finds planted breaks.
"""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SKIPPED = {".git", "build", "node_modules", "state", "vendor", "__pycache__"}

FLOORS = {
    "base": 0,
    "store": 1,
    "federation/kube": 1,
    "federation/objects": 2,
    "federation/propagate": 2,
    "federation/nodes": 2,
    "federation/vms": 2,
    "federation/etcd": 2,
    "lb": 2,
    "velero": 2,
    "orchestrator/plan": 3,
    "orchestrator/gate": 3,
    "orchestrator/http": 3,
    "orchestrator/preflight": 4,
    "orchestrator/notify": 4,
    "orchestrator/engine": 5,
    "orchestrator/api": 6,
    "orchestrator/cli": 6,
    "orchestrator/web": 6,
    "deploy/sandbox": 6,
    "orchestrator": 7,  # main.c, which puts the rooms together
}

# (including room, included room): why it is allowed although both are on one floor.
EXCEPTIONS = {
    ("federation/propagate", "federation/objects"): "drivers carry what the pure functions prepared",
    ("velero", "federation/objects"): "sizes and quotas are quantities",
}

# Folders whose C files belong to no room, and where the floors do not hold.
NO_ROOM = ("tests/", "cmake/")

LINES_MAX = 600
COUNTED = (".c", ".h", ".py", ".go", ".js", ".css", ".sql", ".sh")
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */"

# What to write instead.
BANNED = {
    "strcpy": "cf_xstrdup, snprintf or memcpy",
    "strcat": "struct cf_buf",
    "sprintf": "snprintf or struct cf_buf",
    "vsprintf": "vsnprintf or struct cf_buf",
    "strtok": "strcspn",
    "atoi": "cf_int_parse",
    "gmtime": "cf_time_rfc3339",
    "localtime": "cf_time_rfc3339",
    "strerror": "cf_error_errno",
    "alloca": "the heap or an arena",
    "usleep": "cf_sleep_ms",
}
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def room_of(path):
    """The room that a file belongs to: the longest folder of the table that it lies in, or None."""
    fits = [room for room in FLOORS if path.startswith(room + "/")]
    return max(fits, key=len, default=None)


def room_of_unit_test(path):
    """tests/unit/federation-kube/x_test.c tests the room federation/kube."""
    parts = path.split("/")
    return parts[2].replace("-", "/") if path.startswith("tests/unit/") and len(parts) > 3 else None


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def check_include(path, included):
    """What is wrong with one include line, or None."""
    if path.startswith("tests/"):
        tested, room = room_of_unit_test(path), room_of(included)
        if tested in FLOORS and room and room != tested and FLOORS[room] >= FLOORS[tested] \
                and (tested, room) not in EXCEPTIONS:
            return f"a unit test of {tested} (floor {FLOORS[tested]}) includes {room} (floor {FLOORS[room]})"
        return None
    room, other = room_of(path), room_of(included)
    if included.startswith("tests/"):
        return "product code includes from tests/"
    if not room or not other or room == other or (room, other) in EXCEPTIONS:
        return None
    if FLOORS[other] > FLOORS[room]:
        return f"upward include: {room} (floor {FLOORS[room]}) includes {other} (floor {FLOORS[other]})"
    if FLOORS[other] == FLOORS[room]:
        return f"sideways include: {room} and {other} are both on floor {FLOORS[room]}"
    return None


def check_includes(path, text, exists):
    for match in INCLUDE.finditer(text):
        line, included = line_of(text, match.start()), match.group(1)
        if not exists(included):
            yield line, f'"{included}" is no path from the root of the tree'
            continue
        problem = check_include(path, included)
        if problem:
            yield line, problem


def first_comment(path, text):
    if path.endswith((".c", ".h")):
        rest = text.split("\n", 1)[1].lstrip() if "\n" in text else ""
        return rest[: rest.find("*/")] if rest.startswith("/*") else ""
    return "\n".join(text.split("\n")[:30])


def check_head(path, text):
    if text.split("\n", 1)[0] != SPDX:
        yield 1, f"the first line is not {SPDX}"
    elif not first_comment(path, text):
        yield 2, "no comment after the SPDX line says what the file is for"


def check_length(path, text):
    lines = text.count("\n")
    if lines > LINES_MAX and "Long because" not in first_comment(path, text):
        yield LINES_MAX + 1, f'{lines} lines are more than {LINES_MAX}, and the first comment says no "Long because"'


def code_only(text):
    """The text with comments and literals blanked, line by line the same."""
    return NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def check_calls(text):
    code = code_only(text)
    for match in BANNED_CALL.finditer(code):
        name = match.group(1)
        yield line_of(code, match.start()), f"{name}() is banned: use {BANNED[name]}"


def check_file(path, text, exists):
    """All breaks of one file as (line, message)."""
    if path.endswith((".c", ".h")):
        if not path.startswith(NO_ROOM) and not room_of(path):
            yield 1, "the folder has no floor: add it to the table in tests/house/floors.py and to the documentation"
        yield from check_head(path, text)
        yield from check_includes(path, text, exists)
        if not path.startswith(NO_ROOM):
            yield from check_calls(text)
    yield from check_length(path, text)


def room_edges(files):
    """Which room includes which, with one place to show for each."""
    edges = {}
    for path, text in files:
        room = room_of(path)
        if not room or not path.endswith((".c", ".h")):
            continue
        for match in INCLUDE.finditer(text):
            other = room_of(match.group(1))
            if other and other != room:
                edges.setdefault((room, other), f"{path}:{line_of(text, match.start())}")
    return edges


def find_cycle(edges):
    """A list of rooms that leads back to its first, or None."""
    nexts = {}
    for room, other in sorted(edges):
        nexts.setdefault(room, []).append(other)
    done = set()

    def walk(room, way):
        if room in way:
            return way[way.index(room):] + [room]
        if room in done:
            return None
        for other in nexts.get(room, []):
            cycle = walk(other, way + [room])
            if cycle:
                return cycle
        done.add(room)
        return None

    for room in sorted(nexts):
        cycle = walk(room, [])
        if cycle:
            return cycle
    return None


def tree_files():
    for folder, folders, names in os.walk(ROOT):
        folders[:] = sorted(f for f in folders if f not in SKIPPED and not f.startswith("build-"))
        for name in sorted(names):
            if name.endswith(COUNTED):
                path = os.path.relpath(os.path.join(folder, name), ROOT)
                with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                    yield path, f.read()


def self_test():
    """A check that cannot fail is worth nothing: each planted break must be found, each clean file pass."""
    head = SPDX + "\n/* x */\n"
    cases = [
        ("base/a.c", head, None),
        ("base/a.c", head + '#include "lb/b.h"\n', "upward"),
        ("lb/a.c", head + '#include "federation/kube/b.h"\n#include "base/c.h"\n', None),
        ("lb/a.c", head + '  # include "velero/b.h"\n', "sideways"),
        ("federation/propagate/a.c", head + '#include "federation/objects/b.h"\n', None),
        ("federation/objects/a.c", head + '#include "federation/propagate/b.h"\n', "sideways"),
        ("orchestrator/main.c", head + '#include "orchestrator/cli/b.h"\n', None),
        ("orchestrator/engine/steps/a.c", head + '#include "orchestrator/api/b.h"\n', "upward"),
        ("base/a.c", head + '#include "tests/support/test.h"\n', "from tests/"),
        ("tests/unit/federation-kube/a_test.c", head + '#include "tests/b.h"\n#include "base/c.h"\n', None),
        ("tests/unit/federation-kube/a_test.c", head + '#include "lb/b.h"\n', "unit test"),
        ("base/a.c", head + '#include "missing.h"\n', "no path"),
        ("base/a.c", "/* x */\n", "SPDX"),
        ("base/a.h", SPDX + "\n#define X\n", "no comment"),
        ("other/a.c", head, "no floor"),
        ("base/a.c", head + "x\n" * 600, "more than 600"),
        ("base/a.c", SPDX + "\n/* x. Long because it is a table. */\n" + "x\n" * 600, None),
        ("base/a.py", "x\n" * 601, "more than 600"),
        ("base/a.c", head + "f(strerror (1));\n", "strerror"),
        ("base/a.c", head + "snprintf(a); strtok_r(a); x->usleep(); my_atoi(a);\n", None),
        ("base/a.c", head + '/* strcpy(a) */ f("strcat(", \'"\'); // atoi(a)\n', None),
        ("tests/unit/base/a_test.c", head + "gmtime(&t);\n", None),
    ]
    for path, text, want in cases:
        found = [message for _, message in check_file(path, text, lambda p: p != "missing.h")]
        if (want is None and found) or (want and not any(want in message for message in found)):
            sys.exit(f"floors.py does not work: {path} with {text[-60:]!r} gives {found}, not {want!r}")
    if find_cycle({("a", "b"): "", ("b", "c"): "", ("c", "b"): ""}) != ["b", "c", "b"]:
        sys.exit("floors.py does not work: it misses a cycle")
    if find_cycle({("a", "b"): "", ("a", "c"): "", ("b", "c"): ""}):
        sys.exit("floors.py does not work: it sees a cycle where none is")


def main():
    self_test()
    files = list(tree_files())
    known = {path for path, _ in files}
    breaks = [(path, line, message) for path, text in files
              for line, message in check_file(path, text, known.__contains__)]
    for path, line, message in breaks:
        print(f"{path}:{line}: {message}")
    edges = room_edges(files)
    cycle = find_cycle(edges)
    if cycle:
        print("rooms include each other in a circle:")
        for room, other in zip(cycle, cycle[1:]):
            print(f"  {edges[room, other]}: {room} includes {other}")
    if breaks or cycle:
        sys.exit(1)
    print(f"{len(files)} files, {len(edges)} ways between rooms: all rules kept")


if __name__ == "__main__":
    main()
