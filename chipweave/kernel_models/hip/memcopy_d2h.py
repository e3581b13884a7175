"""hipMemcpy to the host: as from it."""

from __future__ import annotations

from .memcopy_h2d import program as program
