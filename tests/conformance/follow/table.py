# SPDX-License-Identifier: Apache-2.0
"""A table: cases/*.json of a folder with what they share put in place. Pure but for reading the files."""
import glob
import json
import os
import re
from dataclasses import dataclass, field

from tests.conformance.cases import Variables

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
    namespaces: str | None = None


class Table:
    """The table of a folder; `more_steps` are steps of its own, as in OTHER_STEPS."""

    def __init__(self, folder, more_steps=None):
        self.folder, self.others = folder, OTHER_STEPS | (more_steps or {})

    def shared(self, name):
        with open(os.path.join(self.folder, "shared", name + ".json")) as source:
            return json.load(source)

    def kind_of(self, step):
        """"call", or the word of one of the other steps."""
        return next((w for w in self.others if w in step), "call")

    def _check(self, where, steps):
        for step in steps:
            kind = self.kind_of(step)
            allowed = ASK_WORDS if kind == "call" else self.others[kind] | {kind}
            if kind not in step or set(step) - allowed:
                raise ValueError(f"{where}: a step has unknown words {sorted(set(step) - allowed)}: {step}")
            for alternative in step.get("one_of", []):
                self._check(where, alternative)

    def load(self):
        """All cases, in the order of the files' names; a wrong table is a ValueError."""
        cases, names = [], set()
        for path in sorted(glob.glob(os.path.join(self.folder, "*.json"))):
            group = os.path.splitext(os.path.basename(path))[0]
            with open(path) as source:
                rows = json.load(source)
            for row in rows:
                name = f"{group}.{row['name']}"
                if name in names or set(row) - CASE_WORDS:
                    raise ValueError(f"{name}: twice, or with unknown words {sorted(set(row) - CASE_WORDS)}")
                names.add(name)
                self._check(name, row["steps"] + row.get("finally", []))
                cases.append(Case(name, row["steps"], row.get("finally", []), row.get("watch", []), row.get("alone", False),
                                  row.get("namespaces")))
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
