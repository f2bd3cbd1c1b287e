#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A volume with every name that a shell may trip over, and what a walk of our own says about it.

  verify_walk.py make DIR [utf8]         makes it; with utf8 without names that are no text, which kopia does not keep
  verify_walk.py check DIR LOG MESSAGE   exits with 1, saying why, when velero/verify.sh said anything else
"""
import hashlib
import json
import os
import stat
import sys

NAMES = [b"plain", b"two words", b" lead", b"trail ", b"-n", b"--help", b"it's", b'a "quote"', b"new\nline", b"\nfirst", b"last\n",
         b"two\n\n", b"tab\there", b"back\\slash", b"\\", b"$HOME", b"`id`", b"$(id)", b"*", b"?", b"[a]", b"semi;colon", b"a|b",
         b"pi\xc3\xa9ce", b"bad\xe9utf8", b"esc\x1b[31m", b"del\x7f", b"cr\rlf", b"#", b"%s%n", b"f\tx", b".hidden", b"x" * 250]
MANY = 10000


def write(path, data, mode=0o644):
    with open(path, "wb") as out:
        out.write(data)
    os.chmod(path, mode)


def is_text(name):
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def make(root, names):
    for i, name in enumerate(names):
        write(os.path.join(root, name), b"content of %d" % i, 0o600 + i % 8 * 0o10)
        folder = os.path.join(root, b"in", name)
        os.makedirs(folder)
        write(os.path.join(folder, name), name)
        os.symlink(name, os.path.join(folder, b"to-" + name[:200]))
    os.makedirs(os.path.join(root, b"empty", b"deeper"))
    write(os.path.join(root, b"nothing"), b"")
    os.symlink(b"gone/away", os.path.join(root, b"dangling"))
    os.symlink(b".", os.path.join(root, b"loop"))
    os.mkfifo(os.path.join(root, b"pipe"))
    for left_out in (b".velero", b"lost+found"):
        os.mkdir(os.path.join(root, left_out))
        write(os.path.join(root, left_out, b"not-counted"), b"x")
        os.makedirs(os.path.join(root, b"in", left_out))
        write(os.path.join(root, b"in", left_out, b"counted"), b"x")
    for i in range(MANY):
        folder = os.path.join(root, b"many", b"%03d" % (i // 500))
        os.makedirs(folder, exist_ok=True)
        write(os.path.join(folder, b"%05d.dat" % i), b"%d" % i * (i % 7))
    with open(os.path.join(root, b"large"), "wb") as out:  # sparse: a hole is read as zeroes
        out.truncate(65 * 1024 * 1024)


def escaped(path):
    return b"".join(b"\\%03o" % c if c < 32 or c in (92, 127) else bytes([c]) for c in path)


def rows(root):
    found = []
    for folder, below, files in os.walk(root):
        if folder == root:
            below[:] = [d for d in below if d not in (b".velero", b"lost+found")]
        for name in below + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            size = b"-"
            if stat.S_ISDIR(info.st_mode):
                kind, content = b"d", b"-"
            elif stat.S_ISLNK(info.st_mode):
                kind, content = b"l", escaped(os.readlink(path))
            elif stat.S_ISREG(info.st_mode):
                kind, size = b"f", b"%d" % info.st_size
                with open(path, "rb") as data:
                    content = hashlib.sha256(data.read()).hexdigest().encode()
            else:
                continue
            about = b"%o %d %d" % (stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
            found.append(b"\t".join([b"./" + escaped(os.path.relpath(path, root)), kind, size, content, about]))
    return sorted(found)


def check(root, log, message):
    wanted = rows(root)
    lines = open(log, "rb").read().split(b"\n")
    said = [line[2:] for line in lines if line.startswith(b"f\t")]
    for line in sorted(set(wanted) ^ set(said))[:10]:
        print("only", "here:" if line in wanted else "there:", line)
    if said != wanted:
        return "the rows are others" if set(said) ^ set(wanted) else "the order is another"
    if lines[0] != b"begin" or lines[-2:] != [b"end", b""] or b"cut" in lines:
        return f"not whole: {lines[:1]} … {lines[-3:]}"
    summary = json.load(open(message))
    kinds = [row.split(b"\t")[1] for row in wanted]
    counts = {"files": kinds.count(b"f"), "directories": kinds.count(b"d"), "links": kinds.count(b"l"), "others": 1, "unreadable": 0,
              "bytes": sum(int(row.split(b"\t")[2]) for row in wanted if row.split(b"\t")[1] == b"f")}
    for key, value in counts.items():
        if summary[key] != value:
            return f"{key}: {summary[key]}, not {value}"
    return None


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(os.fsencode(sys.argv[2]), [n for n in NAMES if is_text(n) or "utf8" not in sys.argv[3:]])
    else:
        problem = check(os.fsencode(sys.argv[2]), sys.argv[3], sys.argv[4])
        print(problem or "equal")
        sys.exit(1 if problem else 0)
