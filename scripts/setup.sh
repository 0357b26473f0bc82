#!/usr/bin/env bash
# Brings a fresh Debian 12 or 13 to where `make demo` (run), `make test` (test) or `make nightly` works. Says what it does, installs only
# what is missing, and changes nothing when nothing changed. Ends with one line that says what to do when it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

want=${1:-run}
case $want in run | test | nightly) ;; *) echo "setup: say 'run', 'test' or 'nightly', not '$want'" >&2; exit 2 ;; esac

# Recorded human speech for the demo's speakers; then what only the tests use: a real browser, its fonts and what its
# driver needs, a conference server, a timestamp service, more speech; and at night Node for the Google emulator (any Node from 18 on with npm will do).
packages=(asterisk-core-sounds-en asterisk-core-sounds-en-wav)
janus=(janus janus-demos) # Debian 13 has neither: there the tests that need them are skipped, and say so
extras=
if [ "$want" != run ]; then
    packages+=(chromium fonts-dejavu-core fonts-noto-color-emoji libatomic1 openssl pocketsphinx-testdata)
    [ -e .venv/.without-janus ] || packages+=("${janus[@]}")
    extras='[test]'
fi
if [ "$want" = nightly ] && ! { command -v node && command -v npm; } >/dev/null; then packages+=(nodejs npm); fi

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

log=$(pwd)/.setup.log

# ---- a Python that fits ----------------------------------------------------------------------------------------------

fits() { "$1" -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }
find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if fits "$candidate"; then command -v "$candidate"; return; fi
    done
}
if [ -x .venv/bin/python ] && fits .venv/bin/python; then python=.venv/bin/python; else python=$(find_python); fi
[ -n "$python" ] || packages+=(python3)
if [ -z "$python" ] || { [ ! -x .venv/bin/python ] && ! "$python" -c 'import venv, ensurepip' 2>/dev/null; }; then
    packages+=(python3-venv)
fi

# ---- Debian packages -------------------------------------------------------------------------------------------------

without_janus=
leave_out_janus() { # where this Debian has no such packages
    case " ${missing[*]} " in *" janus"*) ;; *) return 0 ;; esac
    local known
    known=$(apt-cache policy "${janus[@]}")
    [[ $known != *"Candidate: "[^\(]* ]] || return 0
    without_janus=yes
    local package kept=()
    for package in "${missing[@]}"; do
        case $package in janus*) ;; *) kept+=("$package") ;; esac
    done
    missing=("${kept[@]}")
}

note_janus() {
    [ -n "$without_janus" ] || return 0
    say "this Debian has no package of Janus: the tests with it will be skipped"
    : >.venv/.without-janus
}

missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
elif [ ! -e .venv/.ready-"$want" ]; then
    say "this is not Debian: install by other means what these Debian packages hold: ${packages[*]}"
fi
if [ ${#missing[@]} -gt 0 ]; then
    say "installing Debian packages: ${missing[*]}"
    as_root=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || fail "needs root or sudo once; as root: apt-get install ${missing[*]}"
        as_root=(sudo)
        [ -t 0 ] || as_root=(sudo -n)
    fi
    {
        "${as_root[@]}" apt-get update -q && leave_out_janus &&
            "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    } >"$log" 2>&1 </dev/null || fail "couldn't install Debian packages: $(grep -v '^$' "$log" | tail -n 1); do it as root: apt-get install ${missing[*]}"
    [ -n "$python" ] || python=$(find_python)
    [ -n "$python" ] || fail "needs Python 3.11, 3.12 or 3.13; install one, or name it: make setup PYTHON=/path/to/python3"
fi

# ---- Python packages -------------------------------------------------------------------------------------------------

stamp=$( { pwd; "$python" -V; cat pyproject.toml constraints.txt scripts/setup.sh; } | sha256sum | cut -d ' ' -f 1)
ready() { [ -e ".venv/.ready-$1" ] && [ "$(cat ".venv/.ready-$1")" = "$stamp" ] && [ -x .venv/bin/onrecord ]; }
if ready "$want" || ready test || ready nightly; then
    note_janus
    say "ready, nothing changed"
    exit 0
fi
if [ ! -x .venv/bin/python ] || [ ! -x .venv/bin/pip ] || ! .venv/bin/pip --version >/dev/null 2>&1; then
    say "making .venv with $("$python" -V)"
    [ "$python" != .venv/bin/python ] || python=$(find_python)
    "$python" -m venv --clear .venv >"$log" 2>&1 || fail "couldn't make .venv: $(tail -n 1 "$log")"
fi
say "installing Python packages into .venv (a few minutes and about 1 GB the first time)"
rm -f .venv/.ready-*
.venv/bin/python -m pip install --disable-pip-version-check --no-input -c constraints.txt -e ".$extras" >"$log" 2>&1 </dev/null ||
    fail "couldn't install Python packages: $(grep -m 1 -o 'ERROR: .*' "$log" || tail -n 1 "$log"); all of it: $log"
{ pwd; .venv/bin/python -V; cat pyproject.toml constraints.txt scripts/setup.sh; } | sha256sum | cut -d ' ' -f 1 >".venv/.ready-$want"
rm -f "$log"
note_janus
say "ready"
