#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Everything a machine can check without running the product. Runs all of it, however many
# fail, and ends with the list of what did.
set -uo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

failed=()
run() {
    local name=$1 began=$SECONDS
    shift
    printf -- '-- %s\n' "$name"
    "$@" || failed+=("$name")
    printf -- '   %s s\n' "$((SECONDS - began))"
}

run "format" ruff format --quiet --check src tests tools bench
run "lint" ruff check --quiet src tests tools bench
run "types" mypy
run "imports" lint-imports --no-cache
run "own lints" python -m tools.lints
run "generated pages" python -m tools.generate --check
run "docs" mkdocs build --strict --site-dir "$(mktemp -d)"

if ((${#failed[@]})); then
    printf 'Failed: %s\n' "$(IFS=,; echo "${failed[*]}")"
    exit 1
fi
echo "All checks passed."
