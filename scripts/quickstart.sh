#!/usr/bin/env bash
# From a fresh checkout to the first result: set up .venv, run a backtest on the bundled data, show what came out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/setup.sh
printf 'quickstart: trading-platform run --config examples/local/local.json (the first run compiles: half a minute)\n'
exec .venv/bin/trading-platform run --config examples/local/local.json
