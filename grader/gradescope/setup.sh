#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image (Ubuntu 22.04 or later).
set -euo pipefail
root=${AUTOGRADER_ROOT:-/autograder}
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

# Nothing that a package brings may start as a service.
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update
mapfile -t packages <"$root/source/packages.txt"
apt-get install --yes --no-install-recommends "${packages[@]}"

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
python=
for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
    if new_enough "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    apt-get install --yes --no-install-recommends python3.11
    python=python3.11
fi
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    apt-get install --yes --no-install-recommends "python$version-venv"

"$python" -m venv "$root/venv"
"$root/venv/bin/python" -m pip install --require-hashes --only-binary :all: \
    -r "$root/source/course/requirements.lock"
"$root/venv/bin/python" -m pip install --no-deps --no-build-isolation "$root/source/course"
chmod 700 "$root/source"
