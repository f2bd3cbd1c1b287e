# SPDX-License-Identifier: Apache-2.0
"""The table: cases/*.json, with what they share (cases/shared/*.json) put in place. Pure but for reading the files.

Strings may hold ${name}: the case's namespace ${ns}, a path of shared/paths.json, or what an earlier step has kept. An object
with the member "$object" is the shared object of that name with its other members merged over it (null removes one).
"""
import copy
import glob
import json
import os
import re
from dataclasses import dataclass, field

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases")
STEP_WORDS = {"call", "as", "type", "headers", "body", "text", "status", "reason", "causes", "message", "fields", "answer_headers",
              "keep", "events", "then", "ends", "retry_s"}
CASE_WORDS = {"name", "why", "steps", "finally", "namespace"}


@dataclass
class Case:
    name: str
    steps: list
    finally_: list = field(default_factory=list)
    namespace: bool = True


def _read(path):
    with open(path) as source:
        return json.load(source)


def shared(name):
    return _read(os.path.join(FOLDER, "shared", name + ".json"))


def _check_steps(where, steps):
    for step in steps:
        unknown = set(step) - STEP_WORDS
        if unknown or "call" not in step:
            raise ValueError(f"{where}: a step has unknown words {sorted(unknown)} or no call: {step}")
        _check_steps(where, step.get("then", []))


def load():
    """All cases, in the order of the files' names; wrong tables are a ValueError."""
    cases, names = [], set()
    for path in sorted(glob.glob(os.path.join(FOLDER, "*.json"))):
        group = os.path.splitext(os.path.basename(path))[0]
        for row in _read(path):
            name = f"{group}.{row['name']}"
            if name in names or set(row) - CASE_WORDS:
                raise ValueError(f"{name}: twice, or with unknown words {sorted(set(row) - CASE_WORDS)}")
            names.add(name)
            _check_steps(name, row["steps"] + row.get("finally", []))
            cases.append(Case(name, row["steps"], row.get("finally", []), row.get("namespace", True)))
    return cases


def merge(target, patch):
    """JSON Merge Patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


class Variables:
    """What ${name} stands for in one run of one case."""

    def __init__(self, ns, paths, objects):
        self._objects = objects
        self.values = {"ns": ns}
        self.values |= {name: path.replace("${ns}", ns) for name, path in paths.items()}

    def fill(self, value):
        """A copy of the value with every shared object and variable put in place."""
        if isinstance(value, str):
            return re.sub(r"\$\{([^}]+)\}", lambda m: str(self.values[m.group(1)]), value)
        if isinstance(value, list):
            return [self.fill(v) for v in value]
        if not isinstance(value, dict):
            return value
        if "$object" in value:
            rest = {k: v for k, v in value.items() if k != "$object"}
            return self.fill(merge(copy.deepcopy(self._objects[value["$object"]]), rest))
        return {self.fill(k): self.fill(v) for k, v in value.items()}
