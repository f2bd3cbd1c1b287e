# SPDX-License-Identifier: Apache-2.0
"""The table: cases/*.json with what they share put in place. README.md says what the words mean. Pure but for reading the files."""
import glob
import json
import os
import re
from dataclasses import dataclass, field

from tests.conformance.cases import Variables

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
CASE_WORDS = {"name", "why", "steps", "finally", "watch", "alone", "namespaces"}
ASK_WORDS = {"call", "on", "type", "body", "status", "reason", "message", "fields", "keep", "each", "within_s", "hold_s", "why"}
OTHER_STEPS = {  # the word that makes the step, and those that may stand beside it
    "mark": {"why"},
    "seen": {"order", "never", "within_s", "since", "why"},
    "one_of": {"why"},
    "fault": {"why"},
    "sleep_s": {"why"},
}


@dataclass
class Case:
    name: str
    steps: list
    finally_: list = field(default_factory=list)
    watch: list = field(default_factory=list)
    alone: bool = False  # it does something to a whole cluster or to a component
    namespaces: str = "skip"


def shared(name):
    with open(os.path.join(FOLDER, "shared", name + ".json")) as source:
        return json.load(source)


def kind_of(step):
    """"call", or the word of one of the other steps."""
    return next((w for w in OTHER_STEPS if w in step), "call")


def _check(where, steps):
    for step in steps:
        kind = kind_of(step)
        allowed = ASK_WORDS if kind == "call" else OTHER_STEPS[kind] | {kind}
        if kind not in step or set(step) - allowed:
            raise ValueError(f"{where}: a step has unknown words {sorted(set(step) - allowed)}: {step}")
        for alternative in step.get("one_of", []):
            _check(where, alternative)


def load():
    """All cases, in the order of the files' names; a wrong table is a ValueError."""
    cases, names = [], set()
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
        group = os.path.splitext(os.path.basename(path))[0]
        with open(path) as source:
            rows = json.load(source)
        for row in rows:
            name = f"{group}.{row['name']}"
            if name in names or set(row) - CASE_WORDS:
                raise ValueError(f"{name}: twice, or with unknown words {sorted(set(row) - CASE_WORDS)}")
            names.add(name)
            _check(name, row["steps"] + row.get("finally", []))
            cases.append(Case(name, row["steps"], row.get("finally", []), row.get("watch", []), row.get("alone", False),
                              row.get("namespaces", "skip")))
    return cases


def uses_faults(steps):
    return any("fault" in s or uses_faults([x for a in s.get("one_of", []) for x in a]) for s in steps)


class Names(Variables):
    """Variables whose values may be more than text: "${x}" alone is the kept value itself."""

    def fill(self, value):
        if isinstance(value, str):
            whole = re.fullmatch(r"\$\{([^}]+)\}", value)
            if whole and not isinstance(self.values[whole.group(1)], str):
                return self.values[whole.group(1)]
        return super().fill(value)
