"""Dies at line rate: the endpoint engine, and how a topology becomes its endpoints and wires."""

from chipweave.line_rate.from_topology import (
    LineRate,
)

__all__ = [
    "LineRate",
]
