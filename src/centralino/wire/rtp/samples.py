# SPDX-License-Identifier: Apache-2.0
"""The one type in which sound goes between the codecs, the signals and their users.

Samples are signed 16-bit linear, mono, host byte order; the sample rate travels beside
them. Nothing else belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Samples: TypeAlias = "NDArray[np.int16]"
"""Linear sound: full scale is 32767."""
Codes: TypeAlias = "NDArray[np.uint8]"
"""One byte per sample, as a companding law writes it."""
