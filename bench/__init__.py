# SPDX-License-Identifier: Apache-2.0
"""What the product costs, measured. `make bench` runs it; `bench/README.md` says how to add one."""
