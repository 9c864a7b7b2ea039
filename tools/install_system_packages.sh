#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs, on Debian and its relatives, the programs that tests call as peers: sipp and
# baresip, which we did not write, espeak-ng, the local speech engine, PostgreSQL (whose
# server the tests start privately; none is left running) and Chromium. Asks for nothing
# that is there already. Where it may not install it says what to type and leaves it at that:
# the tests that need the missing program are skipped and say so, or fail under
# CENTRALINO_REQUIRE_ALL=1. With the argument `venv` it installs Python's venv module instead.
set -euo pipefail

declare -A package_of=([sipp]=sip-tester [baresip]=baresip-core [espeak-ng]=espeak-ng
    [chromium]=chromium)
packages=()
is_needed=${CENTRALINO_REQUIRE_ALL:-0}
if [[ "${1:-peers}" == venv ]]; then
    is_needed=1
    packages=(python3-venv)
else
    for program in "${!package_of[@]}"; do
        command -v "$program" >/dev/null || packages+=("${package_of[$program]}")
    done
    # Debian keeps the server's programs out of the search path.
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || packages+=(postgresql)
fi
((${#packages[@]})) || exit 0

by_hand() {
    echo "$1 To install what is missing, type:" >&2
    echo "    sudo apt-get update && sudo apt-get install --no-install-recommends ${packages[*]}" >&2
    [[ $is_needed == 0 ]] || exit 1
    exit 0
}

command -v apt-get >/dev/null || by_hand "This is not a Debian system."
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || by_hand "Installing needs root, and there is no sudo."
    as_root=(sudo)
    [[ -t 0 ]] || as_root=(sudo -n)
    "${as_root[@]}" true || by_hand "Installing needs root."
fi

# A package that brings a daemon must not start it: Debian asks this file, and it says no.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 0755 "$policy"
fi

echo "Installing ${packages[*]}."
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
"${apt[@]}" update || by_hand "The package lists could not be read."
"${apt[@]}" install --yes --no-install-recommends "${packages[@]}" >/dev/null \
    || by_hand "The installation failed."
