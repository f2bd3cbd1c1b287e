# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Debian packages: which purpose needs which, and how they get here.
#
# Sourced by deploy/quickstart and tests/run. need_packages PURPOSE... installs what is missing with apt, as root or through
# sudo, and says so; without either it names the command to run and returns 1.

packages_for() {
    case $1 in
    build) echo gcc cmake ninja-build pkg-config libc6-dev libcurl4-openssl-dev libjansson-dev libyaml-dev libpq-dev \
        libnghttp2-dev libssl-dev uthash-dev ;;
    postgres) echo postgresql ;;
    client) echo curl ;;
    test) echo libcmocka-dev busybox python3 openssl ccache procps clang-format ;;
    fuzz) echo clang libclang-rt-14-dev ;;
    lab) echo iproute2 nftables prometheus python3 python3-venv python3-pip nginx-core libnginx-mod-http-lua \
        libnginx-mod-http-headers-more-filter libnginx-mod-stream lua-cjson lua-nginx-cookie lua-nginx-dns util-linux \
        procps curl conntrack ;;
    *)
        echo "packages_for: unknown purpose $1" >&2
        return 1
        ;;
    esac
}

# Prints those of the named packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# as_root COMMAND...: through sudo unless we are root. Without a terminal sudo must not ask for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

may_be_root() {
    [ "$(id -u)" = 0 ] && return
    command -v sudo >/dev/null || return 1
    sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }
}

# The command that a person can copy: a fresh machine has no package lists.
say_how_to_install() {
    local by="su - -c"
    ! command -v sudo >/dev/null || by="sudo sh -c"
    {
        echo "These packages are missing, and only root can install them: $*"
        echo "Run this, then start again:"
        echo
        echo "  $by 'apt-get update && apt-get install -y --no-install-recommends $*'"
        echo
    } >&2
}

apt_install() {
    as_root apt-get update -qq || true # what cannot be found is named below
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# PostgreSQL's package would make and start a server of its own, which nothing here uses. Afterwards its setting is Debian's again.
apt_install_without_server() {
    local conf=/etc/postgresql-common/createcluster.conf code=0
    if [ -e "$conf" ]; then
        apt_install "$@"
        return
    fi
    as_root mkdir -p "${conf%/*}"
    echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
    apt_install "$@" || code=$?
    if [ -e "$conf.ucf-dist" ]; then
        as_root mv -f "$conf.ucf-dist" "$conf"
    else
        as_root rm -f "$conf"
    fi
    return "$code"
}

# Installs what the purposes need. A fresh machine's package lists are fetched first.
need_packages() {
    local wanted=() missing purpose began=$SECONDS
    for purpose in "$@"; do
        # shellcheck disable=SC2207
        wanted+=($(packages_for "$purpose")) || return 1
    done
    missing=$(missing_packages "${wanted[@]}")
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    set -- $missing
    may_be_root || {
        say_how_to_install "$@"
        return 1
    }
    echo "Installing with apt: $*" >&2
    if [[ " $* " == *" postgresql "* ]]; then
        apt_install_without_server "$@"
    else
        apt_install "$@"
    fi || {
        echo "apt could not install them." >&2
        return 1
    }
    echo "Installed in $((SECONDS - began)) s" >&2
}
