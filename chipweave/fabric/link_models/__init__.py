"""Link models: how transfers share the links of a network. One file each; `link_model: NAME` in YAML.

A model in plain Python is one class with `plain`, and runs under both engines (see python.py). One with C code of its
own, as csrc/stages/network.h has it, also says `compile`. The core asks a model, never its name.
"""

from chipweave.fabric.link_models.model import LinkModel, link_model

__all__ = ["LinkModel", "link_model"]
