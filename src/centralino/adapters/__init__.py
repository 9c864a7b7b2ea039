# SPDX-License-Identifier: Apache-2.0
"""One folder per outside thing; they know the ports of ``exchange``, not each other."""
