"""chipweave: compose multi-die and wafer-scale GPUs from components; simulate MoE LLM serving on them."""

import importlib
import sys
from importlib.machinery import ModuleSpec
from importlib.metadata import version

__version__ = version("chipweave")

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
    "serving": "run.simulate",
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


class _OtherNames:
    """Finder and loader of OTHER_NAMES: `import chipweave.staged` gives the very module chipweave.component.staged."""

    def find_spec(self, name, path=None, target=None):
        package, _, last = name.rpartition(".")
        if package == __name__ and last in OTHER_NAMES:
            return ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        module = importlib.import_module(f"{__name__}.{OTHER_NAMES[spec.name.rpartition('.')[2]]}")
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module):
        """Its code has run under its own name, and the import system's words for it stay those of its own name."""
        module.__spec__ = module.__spec__.loader_state or module.__spec__


sys.meta_path.append(_OtherNames())
