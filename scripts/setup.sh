#!/usr/bin/env bash
# Makes .venv from the locked requirements, and installs the programs that grading needs.
# Every make target runs it; where nothing is to be done it takes a fraction of a second.
#   scripts/setup.sh [--instructor] [--next]
# --instructor: nbgrader and JupyterLab as well. --next: the last line says what to type next.
# PYTHON=/path/to/python3 chooses the interpreter that .venv is made with.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$(pwd -P)
cd "$root"

lock=requirements.lock
next=
for option; do
    case "$option" in
    --instructor) lock=requirements-instructor.lock ;;
    --next) next=y ;;
    esac
done
log=out/setup.log
policy=/usr/sbin/policy-rc.d
policy_is_ours=
# Where packages put server programs, and an ordinary user's PATH does not look.
PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin
# Settings of the user's own that would send the packages elsewhere.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_REQUIRE_VIRTUALENV
export PIP_USER=0 PIP_NO_INPUT=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Run a command whose output only matters when it fails. Descriptor 9 is the lock of this script,
# which no process that stays behind may hold.
quietly() {
    printf '\n$ %s\n' "$*" >>"$log"
    "$@" >>"$log" 2>&1 </dev/null 9>&-
}

# Student code runs as another user: whatever the umask, it may read what is installed for it.
for_anybody() ( umask 022 && quietly "$@" )

reason() { grep -iE '^(E:|error|.*error:)' "$log" | tail -n 1; }

# --- Python ----------------------------------------------------------------------------------

# The real interpreter behind the first that is new enough, also when .venv itself is active.
find_python() {
    local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11)
    [ -z "${PYTHON-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        "$candidate" -c 'import sys
if sys.version_info < (3, 11): sys.exit(1)
print(sys._base_executable)' 2>/dev/null && return
    done
    return 1
}

no_python() {
    local found
    found=$("${PYTHON:-python3}" -c 'import platform; print(platform.python_version())' 2>/dev/null) ||
        found=missing
    fail "Python 3.11 or later is needed, and ${PYTHON:-python3} is $found;" \
        "install one (apt-get install python3.11 python3.11-venv, brew install python)," \
        "then run make again."
}

make_venv() {
    local python version
    python=$(find_python) || no_python
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        # Debian ships these two apart from Python.
        apt_install "python$version-venv" && "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            fail "Python $version lacks its venv module; run" \
                "\`sudo apt-get install python$version-venv\`, then run make again."
    fi
    say "making .venv with Python $version"
    for_anybody "$python" -m venv --clear .venv ||
        fail "cannot make .venv: $(reason) (all of it: $log)"
}

# Whether .venv can be installed into: complete, and made for this folder.
usable() {
    [ -x .venv/bin/python ] && grep -qF "$root/.venv" .venv/bin/activate 2>/dev/null &&
        .venv/bin/python -c 'import sys, pip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

# What the stamp must say: the files that decide what is installed, the place, and what is there.
fingerprint() {
    .venv/bin/python -I -S - "$root" pyproject.toml "$1" <<'PYTHON' 2>/dev/null
import glob, hashlib, os, sys

root, *files = sys.argv[1:]
digest = hashlib.sha256(f"{root} {sys.version}".encode())
for file in files:
    with open(file, "rb") as opened:
        digest.update(opened.read())
installed = glob.glob(os.path.join(root, ".venv", "lib", "python3*", "site-packages", "*-info"))
digest.update("\n".join(sorted(map(os.path.basename, installed))).encode())
print(digest.hexdigest())
PYTHON
}

stamp() { printf '.venv/.installed-%s' "$1"; }

up_to_date() {
    local now
    now=$(fingerprint "$lock") && [ -x .venv/bin/grader ] &&
        [ "$now" = "$(cat "$(stamp "$lock")" 2>/dev/null)" ]
}

install_python_packages() {
    local name
    usable || make_venv
    rm -f .venv/.installed-*
    say "installing what $lock lists (progress: $log)"
    # Wheels alone: no package runs code of its own while it is installed.
    for_anybody .venv/bin/python -m pip install --require-hashes --only-binary :all: -r "$lock" ||
        fail "pip could not install $lock: $(reason) (all of it: $log)"
    for_anybody .venv/bin/python -m pip install --no-deps --no-build-isolation --editable . ||
        fail "pip could not install the course itself: $(reason) (all of it: $log)"
    # The instructor's lock holds all of the other.
    for name in requirements.lock "$lock"; do
        fingerprint "$name" >.venv/.stamp
        mv .venv/.stamp "$(stamp "$name")"
    done
}

# --- Programs --------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

# A prefix for commands that need root, in the array as_root; fails where there is no way.
become_root() {
    as_root=(env)
    [ "$(id -u)" = 0 ] && return
    as_root=(sudo -n)
    has sudo && sudo -n true 2>/dev/null
}

apt_install() {
    has apt-get && become_root || return 1
    say "installing $* with apt-get"
    local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes
        --no-install-recommends -o DPkg::Lock::Timeout=120 "$@")
    # The package lists may be absent or old; fetching them takes longer than most installs.
    quietly "${install[@]}" ||
        { quietly "${as_root[@]}" apt-get update && quietly "${install[@]}"; }
}

# Debian's packages would start their servers, and start them at each boot. Only the programs are
# wanted: the grader runs servers of its own. policy-rc.d is asked before a package starts a service.
#   install_server PACKAGE SERVICE...
install_server() {
    has apt-get && become_root || return 1
    local package=$1 service done=0
    shift
    if [ ! -e "$policy" ]; then
        policy_is_ours=yes
        "${as_root[@]}" tee "$policy" >/dev/null <<'POLICY'
#!/bin/sh
# Keeps servers from being started while stream-course installs them. May be deleted.
for word; do
    case $word in rabbitmq-server* | epmd* | redis-server*) exit 101 ;; esac
done
exit 0
POLICY
        "${as_root[@]}" chmod 755 "$policy"
    fi
    apt_install "$package" || done=1
    remove_policy
    if has systemctl && [ "$done" = 0 ]; then
        for service; do
            quietly "${as_root[@]}" systemctl disable "$service" || true
        done
    fi
    return "$done"
}

install_rabbitmq_server() {
    local services=(rabbitmq-server.service)
    has epmd || services+=(epmd.service epmd.socket)
    install_server rabbitmq-server "${services[@]}"
}

remove_policy() {
    [ -z "$policy_is_ours" ] || "${as_root[@]}" rm -f "$policy"
    policy_is_ours=
}

# An engine may hang; macOS has no timeout.
bounded() {
    if has timeout; then
        timeout 20 "$@"
    else
        "$@"
    fi
}

# Whether an engine has RabbitMQ's image or sees it in its registry: one that cannot pull is no use.
engine_serves() {
    local image
    has docker && image=$(grep -m 1 -oE 'rabbitmq:[0-9][^ "]*' docker-compose.yml) || return 1
    bounded docker image inspect "$image" >/dev/null 2>&1 </dev/null ||
        bounded docker manifest inspect "$image" >/dev/null 2>&1 </dev/null
}

has_redis() { [ -n "${REDIS_URL-}" ] || has redis-server || has valkey-server; }

# Says what is missing, what that means, and how to change it.
need() {
    local how="install it with this system's package manager"
    if has apt-get; then
        how="run \`sudo apt-get install $1\`"
    elif [ "$(uname -s)" = Darwin ]; then
        how="run \`brew install $1\`"
    fi
    say "$1 is missing, so $2; $how."
}

install_programs() {
    case $(uname -s) in
    Linux)
        has bwrap || apt_install bubblewrap ||
            need bubblewrap "submissions cannot be graded"
        [ -n "${RABBITMQ_URL-}" ] || has rabbitmq-server || engine_serves || install_rabbitmq_server ||
            need rabbitmq-server "RabbitMQ's checks are not graded"
        has_redis || install_server redis-server redis-server.service ||
            need redis-server "the checks of Redis Streams are not graded"
        ;;
    Darwin)
        [ -n "${RABBITMQ_URL-}" ] || has rabbitmq-server || engine_serves ||
            { has brew && say "installing rabbitmq with brew" && quietly brew install rabbitmq; } ||
            need rabbitmq "RabbitMQ's checks are not graded"
        has_redis ||
            { has brew && say "installing redis with brew" && quietly brew install redis; } ||
            need redis "the checks of Redis Streams are not graded"
        ;;
    *)
        say "this system has no bubblewrap; grading needs Linux, WSL 2 or a Docker engine."
        ;;
    esac
}

# --- All of it -------------------------------------------------------------------------------

mkdir -p out 2>/dev/null || fail "cannot write in $root; set up a copy of your own."
# Two terminals may run make at once.
if has flock; then
    exec 9<scripts/setup.sh
    flock 9
fi
{ : >>"$log"; } 2>/dev/null || fail "cannot write $root/$log; set up a copy of your own."
trap remove_policy EXIT
trap 'exit 130' INT TERM

if ! up_to_date; then
    : >"$log"
    install_python_packages
fi
install_programs
case "$next$lock" in
yrequirements.lock) say "ready. Next: source .venv/bin/activate && grader watch" ;;
y*) say "ready. Next: source .venv/bin/activate && grader doctor" ;;
*) say "ready" ;;
esac
