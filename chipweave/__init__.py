"""chipweave: compose multi-die and wafer-scale GPUs from components; simulate MoE LLM serving on them."""

from importlib.metadata import version

__version__ = version("chipweave")
