#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Resolves pyproject.toml anew into two hashed locks: what the product needs, and that plus
# what tests and checks need. Neither names an index, so they hold wherever pip looks.
set -euo pipefail
cd "$(dirname "$0")/.."

resolve() {
    .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
        --generate-hashes --no-header --no-annotate "$@"
}

resolve --group build --output-file requirements.lock
resolve --group build --group dev --extra audio \
    --constraint requirements.lock --output-file requirements-dev.lock
grep -c '^[a-zA-Z]' requirements.lock requirements-dev.lock
