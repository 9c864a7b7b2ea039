# SPDX-License-Identifier: Apache-2.0
"""Reference pages that are made from the code, one page per module.

Each module has `PATH` (below `docs`) and `render`, which returns the page. What is told here
is told nowhere else by hand. `python -m tools.generate` writes them; `--check` compares.
"""
