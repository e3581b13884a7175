"""chipweave: compose multi-die and wafer-scale GPUs from components; simulate MoE LLM serving on them.

    import chipweave as cw

    run = cw.simulate("wafer_5x5", model="deepseek-v3", batch=256, steps=16, strategy="allo")
    run.time_ns, run.layers.to_pandas(), run.plot.links()
    cw.compare("wafer_5x5", batch=256, steps=16, strategies=["base", "allo"])["allo"].row["speedup"]
    cw.load("wafer_5x5").graph

FACE lists every public name and the module it comes from; a module is imported when one of its names is first used.
"""

import importlib
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

FACE = {
    "chain": ("DONE", "Asked", "Layout", "Link", "Question", "Rate", "Steps", "amount", "ask", "equal", "tell"),
    "component.broadcast": ("Cast",),
    "component.component": ("Component", "Port", "Slot"),
    "component.controller": ("Controller",),
    "component.staged": ("CopyTable", "Staged"),
    "declare.params": ("Param", "Stat"),
    "chain.link_statistics": ("LinkStatistics",),
    "errors": ("BadInput",),
    "fabric.link_models": ("LinkModel", "link_model"),
    "policy": (
        "AllocationPolicy",
        "CopyStore",
        "LayerView",
        "PlacementPolicy",
        "Plan",
        "PredictionPolicy",
        "ReplacementPolicy",
    ),
    "run.registration": ("register",),
    "views.notebook.validated": ("Ledger", "validate"),
    "run.results": ("Results",),
    "run.simulate": ("Outcome",),
    "run.spec": ("RunSpec",),
    "run.table": ("Table",),
    "views.notebook.swept": ("Points", "sweep"),
    "topology": ("load",),
    "topology.system": ("System",),
    "trace.library": ("open_trace",),
    "views.notebook.called": ("compare", "simulate"),
    "views.notebook.result": ("Comparison", "Result", "read_results"),
}
_HOME = {name: module for module, names in FACE.items() for name in names}

__all__ = [*sorted(_HOME), "__version__"]


def __getattr__(name: str) -> object:
    """A name of the face, imported at its first use and then kept."""
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("chipweave")
    elif name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    else:
        raise AttributeError(f"module 'chipweave' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


# Public module names that users' files write, and the modules that stand behind them.
OTHER_NAMES = {
    "analytic": "ledger.closed_forms",
    "assemble": "run.assemble",
    "cast": "component.broadcast",
    "chain_parts": "chain.nouns",
    "characterised": "component.characterised",
    "code": "declare.user_code",
    "compare": "run.compare",
    "control": "component.controller",
    "describe": "views.describe",
    "draw": "views.draw",
    "endpoints": "line_rate.endpoints",
    "kernels": "kernel_models",
    "launch": "component.kernel_launch",
    "metrics": "run.metrics",
    "models": "trace.models",
    "policy_view": "policy.view",
    "registry": "declare.registry",
    "replicas": "component.replicas",
    "runfile": "run.file",
    "runspec": "run.spec",
    "sample": "run.flit_sample",
    "sources": "declare.provenance",
    "staged": "component.staged",
    "strategy": "policy.strategy",
    "system": "topology.system",
    "tally": "policy.tally",
    "units": "declare.units",
    "validate": "ledger.suites",
    "work": "component.transfer_operands",
    "workload": "run.workload",
    "yamlfile": "declare.yamlfile",
}


BUILT = ("_kernel", "_c_", "components", "policies", "topologies", "validation")
"""How names of modules begin that a checkout has only once it is installed: compiled ones, and the mapped folders."""


class _Called(ModuleType):
    """A module whose other name is a function's too: `import chipweave.compare`, and `chipweave.compare(...)`."""

    def __call__(self, *arguments: object, **options: object) -> object:
        name = next(other for other, module in OTHER_NAMES.items() if self.__name__ == f"{__name__}.{module}")
        function = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        return function(*arguments, **options)


class _OtherNames(Loader):
    """Finder and loader of OTHER_NAMES: `import chipweave.staged` gives the very module chipweave.component.staged.

    It comes last, so a module of BUILT that reaches it is not there: a checkout that was not built stands before the
    installed package, which the error says.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        package, _, last = name.rpartition(".")
        if package == __name__ and last in OTHER_NAMES:
            return ModuleSpec(name, self)
        if package == __name__ and last.startswith(BUILT):
            where = __path__[0].rpartition("chipweave")[0].rstrip("/") or "."
            raise ModuleNotFoundError(
                f"{name} is not there: the checkout {where} is not built, or not installed: "
                "`python -m pip install -e .` there does both; from another folder an installed chipweave is used",
                name=name,
            )
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(f"{__name__}.{OTHER_NAMES[spec.name.rpartition('.')[2]]}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Its code has run under its own name, and the import system's words for it stay those of its own name."""
        if module.__spec__ is not None and module.__spec__.name.rpartition(".")[2] in _HOME:
            module.__class__ = _Called
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state or module.__spec__


sys.meta_path.append(_OtherNames())
