# SPDX-License-Identifier: Apache-2.0
"""Rules of this project that no general linter knows, one rule per module.

A rule is a function from the repository to its findings. `python -m tools.lints` runs them
all; the rules are listed in `tools/lints/__main__.py`.
"""
