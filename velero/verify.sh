#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the reading pods of `verify: checksum` run (velero/verify_pods.c): reads every file of a volume, keeps one
# row for each entry, and ends with a digest over all rows. POSIX sh with find, xargs, stat, sha256sum, readlink,
# awk, sort, cut, tr, sed and date, as GNU and busybox have them.
#
# A row: path TAB type (f, d, l) TAB size ("-" unless f) TAB SHA-256, a link's target, "-", or "unreadable" TAB
# "mode uid gid". Paths begin with "./"; control characters and backslashes are \ooo, so a row is a line. Left out:
# the volume's own directory, what Velero leaves at its top (.velero), what a file system has there (lost+found), and
# sockets, pipes and devices, which hold no bytes: counted. Times, extended attributes and holes are not compared.
#
# Rows lie in 256 files by a hash of their path: nothing here grows with the number of files but what is on the disk
# below CF_WORK (about a path and 100 bytes for each).
#
# Says on stdout "begin", "p FILES BYTES" every few seconds, for each of the 256 "b TAB which TAB digest of its rows
# without owners and modes", then every row ("f TAB row", by path) as far as CF_LOG_MAX bytes reach, or none when not
# all of them do; "cut" where rows are left out; unreadable paths ("u TAB path", some); "end". With CF_BUCKETS="3f a0"
# only entries of these are read and said, as far as it goes. A kubelet gives out the last 10 MiB of a log, and no
# more. File contents never leave the pod; names do.
# The summary goes to CF_MESSAGE as JSON. Exits with 1, the reason there, when it could not look everywhere.
set -u
LC_ALL=C CF_ROOT=${CF_ROOT:-/data} CF_WORK=${CF_WORK:-/work} CF_MESSAGE=${CF_MESSAGE:-/dev/termination-log}
CF_LOG_MAX=${CF_LOG_MAX:-4194304} CF_BUCKETS=${CF_BUCKETS:-} CF_TICK=${CF_TICK:-5}
export LC_ALL CF_WORK CF_BUCKETS

# --- awk: rows out of what stat and sha256sum say ---

# Records: n lines "mode uid gid size path", then n lines of contents (f, l). With one=1: a line "mode uid gid size",
# a line of contents, escaped, and the path with a dot behind it, which may be many lines. Says what it has added:
# files, directories, links, bytes, unreadable, bytes of rows; exits with 3, having written nothing, when the lines
# are not those of n paths.
CF_ROWS=$(cat <<'AWK'
function escaped(s,    i, c, out) {
    if (s !~ /[\001-\037\177\\]/)
        return s
    out = ""
    for (i = 1; i <= length(s); i++) {
        c = substr(s, i, 1)
        out = out (c ~ /[\001-\037\177\\]/ ? sprintf("\\%03o", ord[c]) : c)
    }
    return out
}
function bucket(path,    i, h) {
    h = length(path)
    for (i = h; i > 0; i--)
        h = (h * 31 + ord[substr(path, i, 1)]) % 65521
    return sprintf("%02x", h % 256)
}
function is_wanted(b) { return wanted == "" || index(" " wanted " ", " " b " ") > 0 }
function put(path, mode, uid, gid, size, sum,    row, b) {
    b = bucket(path)
    if (!is_wanted(b))
        return
    row = path "\t" kind "\t" (kind == "f" ? size : "-") "\t" sum "\t" mode " " uid " " gid
    print row >> (work "/rows/" b)
    count[kind]++
    listed += length(row) + 1
    if (kind == "f")
        bytes += size
    if (sum == "unreadable") {
        unreadable++
        print path >> (work "/unreadable")
    }
}
BEGIN {
    for (i = 1; i < 256; i++)
        ord[sprintf("%c", i)] = i
    work = ENVIRON["CF_WORK"]
    wanted = ENVIRON["CF_BUCKETS"]
}
mask { print is_wanted(bucket(escaped($0))); next }
NR <= (one ? 1 : n) { about[NR] = $0; next }
one && NR == 2 { sums[1] = $0; next }
one { name = name (NR > 3 ? "\\012" : "") escaped($0); next }
{ sums[NR - n] = $0 }
END {
    if (mask)
        exit 0
    if (one)
        put(substr(name, 1, length(name) - 1), word(1), word(2), word(3), word(4), sums[1])
    else if (NR != (kind == "d" ? n : 2 * n))
        exit 3
    else
        for (i = 1; i <= n; i++) {
            path = about[i]
            sub(/^[^ ]* [^ ]* [^ ]* [^ ]* /, "", path)
            sum = sums[i]
            if (kind == "f") {
                sub(/^\\/, "", sum)
                sum = substr(sum, 1, 64)
            }
            split(about[i], w, " ")
            put(escaped(path), w[1], w[2], w[3], w[4], kind == "d" ? "-" : escaped(sum))
        }
    printf "%.0f %.0f %.0f %.0f %.0f %.0f\n", count["f"], count["d"], count["l"], bytes, unreadable, listed
}
function word(i) { split(about[1], w, " "); return w[i] }
AWK
)

# --- sh: some entries of one type ($0), as find gives them ---

CF_BATCH=$(cat <<'SH'
kind=$0
rows() { awk -v kind="$kind" "$@" "$CF_ROWS"; }

contents() {
    case $kind in
    f) sha256sum "$@" ;;
    l) for l; do readlink "$l"; done ;;
    esac
}

add() {
    [ $# -eq 6 ] || { echo "a row could not be written: is there room" >"$CF_WORK/failed"; exit 0; }
    read -r f d l b u s <"$CF_WORK/totals"
    echo "$((f + $1)) $((d + $2)) $((l + $3)) $((b + $4)) $((u + $5)) $((s + $6))" >"$CF_WORK/totals"
}

# One entry whose name is more than a line, or that cannot be read.
single() {
    about=$(stat -c '%a %u %g %s' "$1") || about="0 0 0 0"
    case $kind in
    f) sum=$(sha256sum <"$1") && sum=${sum%% *} || sum=unreadable ;;
    d) sum=-; [ -r "$1" ] && [ -x "$1" ] || sum=unreadable ;;
    l) sum=$({ readlink -n "$1" && printf .; } | awk -v one=1 -v kind=t "$CF_TARGET") || sum=unreadable ;;
    esac
    add $({ printf '%s\n%s\n' "$about" "$sum"; printf '%s.\n' "$1"; } | rows -v one=1)
}

batch() {
    counts=$({ stat -c '%a %u %g %s %n' "$@"; contents "$@"; } | rows -v n=$#) && add $counts
}

odd() {
    case $1 in
    *"$newline"*) return 0 ;;
    esac
    case $kind in
    f) [ ! -r "$1" ] ;;
    d) [ ! -r "$1" ] || [ ! -x "$1" ] ;;
    *) return 1 ;;
    esac
}

# All at once. Where that does not come out even, without those that can be seen to be the reason; then by halves.
several() {
    if [ $# -eq 1 ]; then
        single "$1"
        return
    fi
    ! batch "$@" || return 0
    half=$(($# / 2))
    ( shift "$half"; several "$@" )
    half=$(($# / 2)) n=$# i=0
    while [ "$i" -lt "$half" ]; do
        set -- "$@" "$1"
        shift
        i=$((i + 1))
    done
    shift $((n - half))
    several "$@"
}

exec 2>/dev/null
[ ! -e "$CF_WORK/failed" ] || exit 0
if [ -n "$CF_BUCKETS" ]; then
    mask=$(printf '%s\n' "$@" | awk -v mask=1 "$CF_ROWS")
    [ "$(printf '%s\n' "$mask" | awk 'END { print NR }')" -eq $# ] || mask=
    for take in $mask; do
        [ "$take" = 0 ] || set -- "$@" "$1"
        shift
    done
fi
newline='
'
clean=1
if [ "$kind" = d ]; then
    for d; do ! odd "$d" || clean=0; done
fi
if [ $# -gt 0 ] && { [ $clean = 0 ] || ! batch "$@"; }; then
    n=$#
    while [ "$n" -gt 0 ]; do
        if odd "$1"; then single "$1"; else set -- "$@" "$1"; fi
        shift
        n=$((n - 1))
    done
    [ $# -eq 0 ] || several "$@"
fi
exit 0
SH
)

# A link's target as it stands in a row.
CF_TARGET=$(cat <<'AWK'
BEGIN { for (i = 1; i < 256; i++) ord[sprintf("%c", i)] = i }
{ name = name (NR > 1 ? "\n" : "") $0 }
END {
    for (i = 1; i < length(name); i++) {
        c = substr(name, i, 1)
        printf "%s", c ~ /[\001-\037\177\\]/ ? sprintf("\\%03o", ord[c]) : c
    }
}
AWK
)
export CF_ROWS CF_BATCH CF_TARGET

# --- the whole ---

give_up() {
    text=$(printf '%s' "$*" | tr -c 'A-Za-z0-9 ./:_,()-' ' ' | cut -c1-400)
    printf '{"error":"%s"}' "$text" >"$CF_MESSAGE"
    echo "end $text"
    exit 1
}

found() {
    find . -xdev \( -path ./.velero -o -path ./lost+found \) -type d -prune -o "$@" -print0 2>>"$CF_WORK/errors" ||
        echo x >>"$CF_WORK/stumbled"
}

# Batches of at most $2 entries. Not find's "-exec … +": busybox makes it longer than the kernel takes, and goes on.
walk() {
    kind=$1 at_once=$2
    shift 2
    found "$@" | xargs -0 -n "$at_once" -s 100000 sh -c "$CF_BATCH" "$kind" 2>>"$CF_WORK/errors" ||
        echo "some entries could not be read: $(tail -n 1 "$CF_WORK/errors")" >"$CF_WORK/failed"
}

# What is read so far: whole batches, and how far the file is that is open now.
ticker() {
    while sleep "$CF_TICK" >/dev/null 2>&1; do
        read -r files d l bytes u s <"$CF_WORK/totals" || continue
        for process in /proc/[0-9]*; do
            [ -f "$process/fd/3" ] || continue
            case $(readlink "$process/fd/3") in
            "$here"/*) ;;
            *) continue ;;
            esac
            at=$(sed -n 's/^pos:[[:space:]]*//p' "$process/fdinfo/3" 2>/dev/null)
            bytes=$((bytes + ${at:-0}))
        done
        echo "p $files $bytes"
    done
}

started=$(date +%s)
cd "$CF_ROOT" 2>/dev/null || give_up "the volume cannot be entered"
here=$(pwd -P)
rm -rf "$CF_WORK/rows" "$CF_WORK/failed" "$CF_WORK/stumbled" "$CF_WORK/errors" "$CF_WORK/unreadable"
mkdir -p "$CF_WORK/rows" && echo 0 0 0 0 0 0 >"$CF_WORK/totals" || give_up "no place to keep the rows"
: >"$CF_WORK/unreadable"
echo begin
ticker 2>/dev/null &
ticks=$!
walk d 1000 -type d ! -name .
walk l 1000 -type l
walk f 1000 -type f ! -size +131071
walk f 1 -type f -size +131071 # each by itself, so that it is counted when it is read
others=$(found ! -type f ! -type d ! -type l | tr -cd '\0' | wc -c)
kill "$ticks" 2>/dev/null
read -r files directories links bytes unreadable listed <"$CF_WORK/totals"
[ ! -e "$CF_WORK/failed" ] || give_up "$(cat "$CF_WORK/failed")"
[ ! -e "$CF_WORK/stumbled" ] || [ "$unreadable" -gt 0 ] || give_up "$(head -n 1 "$CF_WORK/errors")"

set -- "$CF_WORK"/rows/*
[ -e "$1" ] || set --
for rows; do
    sort -o "$rows" "$rows" || give_up "sort failed: is there room"
done
rm -rf "$CF_WORK/content" && mkdir "$CF_WORK/content" && cd "$CF_WORK/content" || give_up "no place to keep the rows"
awk -F'\t' -v OFS='\t' '{ n = split(FILENAME, p, "/"); print $1, $2, $3, $4 >p[n] }' "$@" </dev/null ||
    give_up "the rows could not be written again: is there room"
content=$(find . -type f | sort | xargs cat | sha256sum)
all=$(cat "$@" </dev/null | sha256sum)

[ $# -eq 0 ] || sha256sum ?? | awk '{ print "b\t" $2 "\t" $1 }'
# A line of the log costs about 45 bytes more than what it says.
if [ -n "$CF_BUCKETS" ] || [ $((listed + 45 * (files + directories + links))) -le "$CF_LOG_MAX" ]; then
    sort "$@" </dev/null | awk -v max="$CF_LOG_MAX" '
        { left += length($0) + 45 }
        left > max { print "cut"; exit }
        { print "f\t" $0 }'
else
    echo cut
fi
head -n 20 "$CF_WORK/unreadable" | sed 's/^/u	/'
printf '{"files":%s,"directories":%s,"links":%s,"others":%s,"bytes":%s,"unreadable":%s,' \
    "$files" "$directories" "$links" "$((others))" "$bytes" "$unreadable" >"$CF_MESSAGE"
printf '"content":"%s","all":"%s","seconds":%s}' \
    "${content%% *}" "${all%% *}" "$(($(date +%s) - started))" >>"$CF_MESSAGE"
echo end
