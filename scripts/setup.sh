#!/usr/bin/env bash
# Make or update .venv: the package (editable) with the versions of requirements.lock. Quick when nothing changed.
#
#   bash scripts/setup.sh        what is needed to run
#   bash scripts/setup.sh dev    and what is needed to check and test
#
# PYTHON names the interpreter to build .venv with; without it the first fitting one of the usual names is taken.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Exit status 0 if the interpreter runs, is of a supported version and can make virtual environments.
fits() {
    "$1" -c 'import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1
}

find_python() {
    local candidate candidates=(python3.11 python3.12 python3 python)
    [ -z "${PYTHON:-}" ] || candidates=("$PYTHON")
    for candidate in "${candidates[@]}"; do
        if fits "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or 3.12 with the modules venv and ensurepip, looked for: ${candidates[*]}." \
        "Install one (Debian, Ubuntu: apt install python3.11 python3.11-venv; others: https://www.python.org/downloads)" \
        "or name it: PYTHON=/path/to/python3.12 bash scripts/setup.sh"
}

# Where PYTHONDONTWRITEBYTECODE is set, every start would compile the whole package again.
bytecode() {
    "$venv/bin/python" -m compileall -q trading_platform
}

case "${1:-}" in
    "") extra="" target="." ;;
    dev) extra="-dev" target=".[dev]" ;;
    *) fail "the argument must be 'dev' or absent, was '$1'" ;;
esac

venv=.venv
stamp="$venv/.installed$extra"
if [ -x "$venv/bin/python" ] && ! fits "$venv/bin/python"; then
    fail "$venv must hold a working Python 3.11 or 3.12, but does not: remove $venv and run this again"
fi
if [ ! -x "$venv/bin/python" ]; then
    python="$(find_python)"
    printf 'setup: making %s with %s\n' "$venv" "$("$python" --version)"
    "$python" -m venv "$venv"
fi
# the place is part of the stamp: a moved checkout needs its scripts and its editable install anew
wanted="$(cat pyproject.toml requirements.lock && pwd && "$venv/bin/python" --version)"
for done in "$stamp" "$venv/.installed-dev"; do  # what is needed to develop is enough to run
    if [ -f "$done" ] && [ "$(cat "$done")" = "$wanted" ]; then
        bytecode
        exit 0
    fi
done
printf 'setup: installing %s into %s (one or two minutes the first time)\n' "$target" "$venv"
"$venv/bin/python" -m pip --version >/dev/null 2>&1 || "$venv/bin/python" -m ensurepip >/dev/null
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable "$target"
bytecode
printf '%s\n' "$wanted" >"$stamp"
