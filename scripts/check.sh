#!/usr/bin/env bash
# Every check, in the active virtual environment or in .venv; stops at the first that fails and says how to repeat it.
#
#   bash scripts/check.sh           format, lint, types, layers, tests as plain Python, with bounds checks, compiled
#   bash scripts/check.sh --long    and the proofs that take minutes
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'check: %s\n' "$*" >&2
    exit 1
}

case "${1:-}" in
    "") long=false ;;
    --long) long=true ;;
    *) fail "the argument must be '--long' or absent, was '$1'" ;;
esac
: "${VIRTUAL_ENV:=$PWD/.venv}"
[ -x "$VIRTUAL_ENV/bin/lint-imports" ] || fail "no development tools in $VIRTUAL_ENV: run \`bash scripts/setup.sh dev\`"
export PATH="$VIRTUAL_ENV/bin:$PATH"
unset PYTHONOPTIMIZE          # the package refuses it
export NUMBA_NUM_THREADS=1    # nothing here is parallel, and two workers share the cores

# step NAME COMMAND...: run it and tell how long it took
step() {
    local name="$1" started=$SECONDS
    shift
    printf '\n== %s: %s\n' "$name" "$*"
    if ! "$@"; then
        printf '\ncheck: FAILED: %s\nrepeat it with: %s\n' "$name" "$*" >&2
        [ "$VIRTUAL_ENV" != "$PWD/.venv" ] || printf 'in this environment: source .venv/bin/activate\n' >&2
        exit 1
    fi
    printf '== %s: passed in %d s\n' "$name" "$((SECONDS - started))"
}

# Coverage of kernels can only be seen while they are plain Python, and there nearly every branch of the core is wanted.
plain=(tests/core tests/bars tests/indicators tests/properties tests/semantics tests/config tests/eventlog tests/metrics
    tests/strategies tests/venues)
slow_plain=tests/strategies/test_forms_agree.py::test_touch_makers_with_three_levels_give_one_log # minutes; runs compiled

step "format" ruff format --check .
step "lint" ruff check .
step "types" mypy
step "layers" lint-imports --no-logo
rm -f .coverage .coverage.*
step "tests as plain Python" env NUMBA_DISABLE_JIT=1 TRADING_PLATFORM_EXAMPLES=500 pytest "${plain[@]}" --deselect "$slow_plain" \
    -n 2 --dist worksteal --cov --cov-report=
step "coverage of the core" coverage report --include='trading_platform/core/*' --fail-under=95
step "compile" trading-platform warmup  # once: two test workers at a time would compile everything twice
step "bounds" env NUMBA_BOUNDSCHECK=1 TRADING_PLATFORM_EXAMPLES=100 pytest tests/core tests/properties -n 2 --dist loadfile
if $long; then
    step "long proofs" pytest -m long tests
fi
step "tests compiled" pytest tests -n 2 --dist loadfile
