"""What a part is made of: parameters, ports, slots, statistics; staged parts and controllers."""

from chipweave.component.component import (
    REQUIRED,
    Component,
    Param,
    Port,
    Slot,
    Stat,
    component,
)

__all__ = [
    "Component",
    "Param",
    "Port",
    "REQUIRED",
    "Slot",
    "Stat",
    "component",
]
