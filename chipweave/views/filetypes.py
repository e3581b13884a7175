"""What a YAML file is, and who checks it: the table behind `chipweave check`.

A file says what it is by `schema:`; one that does not is known by keys that no other sort of file has. A new sort of
file is one more row here.
"""

import importlib
from dataclasses import dataclass
from pathlib import Path

from chipweave.declare import yamlfile
from chipweave.errors import BadInput, Fault, nearest
from chipweave.io.shipped import find


@dataclass(frozen=True)
class FileType:
    """One sort of YAML file.

    what: in words; schema: its `schema:`; keys: top-level keys, any one of which gives it away;
    checker: "module:function", called with (path, allow_code), raises BadInput with every fault; may return warnings.
    """

    what: str
    schema: str
    keys: tuple
    checker: str

    def check(self, path, allow_code):
        """Warnings, in words."""
        module, _, function = self.checker.partition(":")
        return list(getattr(importlib.import_module(module), function)(path, allow_code) or ())


TYPES = (
    FileType(
        "topology",
        "chipweave.topology/1",
        ("parts", "networks", "assemblies", "extends"),
        "chipweave.views.filetypes:check_topology",
    ),
    FileType("preset", "chipweave.preset/1", ("kinds",), "chipweave.views.filetypes:check_preset"),
    FileType("model", "chipweave.model/1", ("experts", "top_k", "moe_layers"), "chipweave.views.filetypes:check_model"),
    FileType(
        "strategy",
        "chipweave.strategy/1",
        ("placement", "allocation", "prediction"),
        "chipweave.views.filetypes:check_strategy",
    ),
    FileType(
        "characterised table",
        "chipweave.characterised/1",
        ("residuals",),
        "chipweave.component.characterised:check_file",
    ),
    FileType(
        "run file",
        "chipweave.run/1",
        ("topology", "strategy", "strategies", "batch", "model", "trace"),
        "chipweave.views.filetypes:check_run",
    ),
)


def recognise(root, path):
    """The FileType of a file's tree.

    Raises:
        BadInput: its schema is unknown, or nothing gives it away.
    """
    schemas = {t.schema: t for t in TYPES}
    schema = root.get("schema")
    if schema is not None:
        if schema.text not in schemas:
            raise BadInput(
                Fault(
                    f"unknown schema {schema.text!r}", schema.place, ", ".join(schemas), nearest(schema.text, schemas)
                )
            )
        return schemas[schema.text]
    for kind in TYPES:
        if root.is_map and any(key in root.value for key in kind.keys):
            return kind
    raise BadInput(Fault("nothing says what this file is", root.place, "schema: one of " + ", ".join(schemas)))


def check(name, allow_code=False):
    """Check one file, or a shipped topology by name; returns the word for what it is.

    Raises:
        BadInput: every fault of it.
    """
    return check_and_warn(name, allow_code)[0]


def check_and_warn(name, allow_code=False):
    """As `check`; returns the word and warnings: things that are allowed, and what they cost."""
    path = Path(name) if Path(name).is_file() else find(name)
    kind = recognise(yamlfile.load(path), path)
    return kind.what, kind.check(path, allow_code)


def check_topology(path, allow_code):
    """The system, and for networks of flits that it cannot deadlock."""
    from chipweave import topology
    from chipweave.noc import network as flit_network

    networks = topology.load(path, allow_code=allow_code).networks.values()
    return [warning for n in networks if n.link_model == "flit" for warning in flit_network.check(n)]


def check_preset(path, allow_code):
    from chipweave.topology import preset as topology_preset

    topology_preset.load(path)


def check_model(path, allow_code):
    from chipweave.trace import models

    models.load(str(path))


def check_strategy(path, allow_code):
    from chipweave.declare.user_code import Gate
    from chipweave.policy import strategy

    gate = Gate(allow_code)
    strategy.load(str(path), gate=gate)
    gate.raise_if_refused()


def check_run(path, allow_code):
    """A run file's own keys, then the topology with its settings and preset, and the strategies it names or writes out."""
    from dataclasses import replace

    from chipweave import topology
    from chipweave.declare.user_code import Gate
    from chipweave.run import file as runfile
    from chipweave.run import simulate as serving
    from chipweave.topology import preset as topology_preset

    spec, strategies, _ = runfile.load(path)
    preset, gate, faults = topology_preset.load(spec.preset), Gate(allow_code), []
    checks = [lambda: topology.load(spec.topology, sets=spec.sets, allow_code=allow_code, preset=spec.preset)]
    checks += [
        lambda s=s: serving.open_strategy(replace(spec, strategy=s), preset, gate)
        for s in strategies or [spec.strategy]
    ]
    for attempt in (*checks, gate.raise_if_refused):
        try:
            attempt()
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(list(dict.fromkeys(faults)))
