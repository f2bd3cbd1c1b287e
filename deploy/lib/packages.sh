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
    test) echo libcmocka-dev python3 openssl ccache procps ;;
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

# Installs what the purposes need. A fresh machine's package lists are fetched first.
need_packages() {
    local wanted=() missing purpose as_root=()
    for purpose in "$@"; do
        # shellcheck disable=SC2207
        wanted+=($(packages_for "$purpose")) || return 1
    done
    missing=$(missing_packages "${wanted[@]}")
    [ -n "$missing" ] || return 0
    # shellcheck disable=SC2086
    set -- $missing
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null && [ ! -t 0 ]; then
            echo "These packages are missing: $*" >&2
            echo "Install them as root:  apt-get install $*" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "Installing with apt: $*" >&2
    # PostgreSQL's package would start a server of its own; nothing here uses it.
    if [ ! -e /etc/postgresql-common/createcluster.conf ] && [[ " $* " == *" postgresql "* ]]; then
        "${as_root[@]}" mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    "${as_root[@]}" apt-get update -qq || true
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
