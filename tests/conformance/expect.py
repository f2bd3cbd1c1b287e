# SPDX-License-Identifier: Apache-2.0
"""What an answer must look like: pointers into JSON, and how values are compared. Pure.

A pointer is a JSON Pointer (RFC 6901) whose tokens may also be "[key=value]", the first member of a list with that value,
and "-1", its last. An expected value is compared as it stands, or is one of
  {"$absent": true}        nothing is there
  {"$type": "string"}      object, array, string, number, boolean or null
  {"$match": "regex"}      a string in which the expression is found
  {"$not": value}          another value than this (it must be there)
  {"$newer": "17"}         a decimal string or number above this one
  {"$size": 2}             a list, object or string of that length
  {"$has": value}          a list with this member, an object with these members, a string with this part
  {"$same": value}         the value itself, when it looks like one of these
"""
import re

ABSENT = object()
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "number": (int, float)}


def _step(at, token):
    chosen = re.fullmatch(r"\[([^=\]]+)=([^\]]*)\]", token)
    if chosen and isinstance(at, list):
        key, value = chosen.groups()
        return next((m for m in at if isinstance(m, dict) and str(m.get(key)) == value), ABSENT)
    if isinstance(at, list) and re.fullmatch(r"-?\d+", token):
        index = int(token)
        return at[index] if -len(at) <= index < len(at) else ABSENT
    if isinstance(at, dict):
        return at.get(token, ABSENT)
    return ABSENT


def _tokens(pointer):
    """Splits at "/", but not within brackets."""
    for token in re.findall(r"/(\[[^\]]*\]|[^/]*)", pointer):
        yield token.replace("~1", "/").replace("~0", "~")


def find(document, pointer):
    """The value at the pointer, or ABSENT."""
    at = document
    for token in _tokens(pointer):
        at = _step(at, token)
        if at is ABSENT:
            return ABSENT
    return at


def _type_fits(value, name):
    if name == "number" and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[name])


def _newer(value, than):
    try:
        return int(value) > int(than)
    except (TypeError, ValueError):
        return False


def _has(value, part):
    if isinstance(part, dict) and isinstance(value, dict):
        return all(value.get(k, ABSENT) == v for k, v in part.items())
    return isinstance(value, (list, str)) and part in value


CHECKS = {
    "$type": _type_fits,
    "$match": lambda value, pattern: isinstance(value, str) and re.search(pattern, value) is not None,
    "$not": lambda value, other: value != other,
    "$newer": _newer,
    "$size": lambda value, size: isinstance(value, (list, dict, str)) and len(value) == size,
    "$has": _has,
    "$same": lambda value, other: value == other,
}


def fits(value, expected):
    """Whether the value is as expected. Numbers and booleans are different things."""
    if isinstance(expected, dict) and len(expected) == 1:
        (word, operand), = expected.items()
        if word == "$absent":
            return value is ABSENT
        if word in CHECKS:
            return value is not ABSENT and CHECKS[word](value, operand)
    return value is not ABSENT and value == expected and isinstance(value, bool) == isinstance(expected, bool)


def differences(document, fields):
    """One line for each field that is not as expected."""
    lines = []
    for pointer, expected in fields.items():
        value = find(document, pointer)
        if not fits(value, expected):
            shown = "nothing" if value is ABSENT else repr(value)
            lines.append(f"{pointer}: expected {expected!r}, got {shown[:300]}")
    return lines


def cause_differences(document, causes):
    """One line for each expected cause that the Status does not have; others may be there."""
    present = find(document, "/details/causes")
    present = present if isinstance(present, list) else []
    lines = []
    for wanted in causes:
        if not any(all(fits(c.get(k, ABSENT), v) for k, v in wanted.items()) for c in present):
            lines.append(f"/details/causes: no {wanted!r} among {present!r:.600}")
    return lines
