"""What pictures can be written as; apart from chipweave.views.draw, which takes long to import."""

from __future__ import annotations

from typing import Any

from chipweave.errors import BadInput, Fault

FORMATS = (".svg", ".png", ".pdf")


def check_picture(path: Any) -> None:
    """Raise BadInput unless the name of a picture says a format that can be drawn; None is no picture."""
    if path is not None and not str(path).lower().endswith(FORMATS):
        raise BadInput(
            Fault(
                f"cannot draw into {path or 'a file without a name'}",
                allowed="a name that ends in " + ", ".join(FORMATS),
            )
        )
