#!/usr/bin/env bash
# Set up .venv with the development tools, then run every check. Arguments go to scripts/check.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bash scripts/setup.sh dev
export VIRTUAL_ENV="$PWD/.venv"
exec bash scripts/check.sh "$@"
