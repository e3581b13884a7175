"""A strategy: one policy for each role, named in a YAML file or written out in a run file.

    strategy: allo+pred
    doc: work goes where the weights are; what is read from afar and likely to come again is kept
    placement: contiguous
    allocation: {kind: placement_aware, block: 512}
    prediction: cross_token_heatmap
    replacement: unbounded

A role takes the name of a policy (without its role's prefix), or a mapping with `kind` and parameters; code as for
components (`./mine.py:Mine`), once allowed. All faults of a file are reported together.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chipweave.declare import registry, yamlfile
from chipweave.declare.params import as_node
from chipweave.declare.user_code import Gate, is_code
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Fault, Faults, nearest
from chipweave.policy.roles import ROLES, AllocationPolicy, PlacementPolicy, PredictionPolicy, ReplacementPolicy

SCHEMA = "chipweave.strategy/1"
WORDS = ("strategy", "doc")


@dataclass(frozen=True)
class Strategy:
    """One policy for each role, freshly built: policies remember, so a strategy serves one run."""

    name: str
    doc: str
    placement: PlacementPolicy
    allocation: AllocationPolicy
    prediction: PredictionPolicy
    replacement: ReplacementPolicy

    @property
    def reads_ids(self) -> bool:
        """Whether a policy of it looks at a view's ids: code of a user's always may."""
        return any(policy.reads_ids or policy.foreign for policy in (self.allocation, self.prediction))

    @property
    def sees_pairs(self) -> bool:
        """Whether a policy that is asked during a run looks at which experts were chosen together."""
        asked = (self.allocation, self.prediction, *((self.placement,) if self.placement.every else ()))
        return any(policy.sees_pairs for policy in asked)

    def resolved(self) -> dict[str, dict[str, str | None]]:
        """role -> {"kind": ..., parameter: value as text}, for the manifest."""
        return {
            role: {
                "kind": policy.kind,
                **{name: None if value is None else str(value) for name, value in policy.values.items()},
            }
            for role, policy in ((role, getattr(self, role)) for role in ROLES)
        }


def shipped() -> dict[str, Path]:
    """name -> file of the strategies that come with the program."""
    folder = Path(list(importlib.import_module("chipweave.policies").__path__)[0]) / "strategies"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"), key=lambda p: p.stem)}


def load(name: str, defaults: dict[str, dict[str, Node]] | None = None, gate: Gate | None = None) -> Strategy:
    """The Strategy of a shipped name ("allo+pred") or of a file.

    Args:
        defaults: kind -> {parameter: value}, in place of the parameters' own defaults (a preset's way in); what the
            strategy itself writes goes first.
        gate: lets code in (see chipweave.declare.user_code); without one, none.
    Raises:
        BadInput: no such strategy, or every fault of the file.
    """
    known = shipped()
    path = known.get(name) or Path(name)
    if name not in known and not path.suffix:
        raise BadInput(Fault(f"unknown strategy {name!r}", allowed=", ".join(known), nearest=nearest(name, known)))
    return read(yamlfile.load(path), path.stem, defaults, gate, path.parent)


def read(
    node: Node,
    name: str,
    defaults: dict[str, dict[str, Node]] | None = None,
    gate: Gate | None = None,
    folder: Path | str = ".",
    ask_leave: bool = True,
) -> Strategy:
    """The Strategy of a mapping Node with one entry for each role; `name` where it states none.

    ask_leave: code that was not let in is a fault; otherwise its role is None (a file is checked before the user is
    asked)."""
    faults, gate = Faults(), gate or Gate()
    if not node.is_map:
        raise BadInput(Fault(f"a strategy is a mapping, not {node.shape()}", node.place, ", ".join(ROLES)))
    schema = node.get("schema")
    if schema is not None and schema.text != SCHEMA:
        faults.add(f"schema {schema.text!r} is not a strategy's", schema.place, SCHEMA, nearest(schema.text, [SCHEMA]))
    for key in node.value:
        if key not in ROLES and key not in WORDS and key != "schema":
            allowed = [*WORDS, *ROLES]
            faults.add(
                f"a strategy has no {key!r}", node.keys.get(key, node.place), ", ".join(allowed), nearest(key, allowed)
            )
    policies = {}
    for role in ROLES:
        given = node.get(role)
        if given is None:
            faults.add(
                f"a strategy needs a policy for {role!r}",
                node.place,
                f"{role}: " + ", ".join(k for k in registry.policies.kinds() if k.startswith(role + ".")),
            )
            continue
        try:
            policies[role] = build(role, given, defaults, gate, folder)
        except BadInput as error:
            faults.found += error.faults
    faults.raise_if_any()
    if ask_leave:
        gate.raise_if_refused()
    said = {key: node.get(key) for key in WORDS}
    words = {key: given.text if given else "" for key, given in said.items()}
    return Strategy(words["strategy"] or name, words["doc"], **policies)


def build(
    role: str,
    spec: Node | dict[Any, Any] | str,
    defaults: dict[Any, Any] | None = None,
    gate: Gate | None = None,
    folder: Path | str = ".",
) -> Any:
    """One policy of `role` from a name, a dict with `kind`, or a Node of either; None where code was not let in.

    Raises:
        BadInput: no such kind, a kind of another role, or every fault of its parameters.
    """
    node = as_node(spec)
    kind = node.get("kind") if node.is_map else node
    if kind is None or not kind.is_scalar or kind.value is None:
        raise BadInput(Fault(f"{role} needs the name of a policy, or a mapping with `kind`", node.place))
    cls = _class(role, kind, gate or Gate(), folder)
    if cls is None:
        return None
    params = {key: value for key, value in node.value.items() if key != "kind"} if node.is_map else {}
    for key, value in (defaults or {}).get(cls.kind, {}).items():
        params.setdefault(key, as_node(value))
    faults = Faults()
    values, sources = cls.read_params(Node(params, node.place, keys=node.keys), faults)
    faults.raise_if_any()
    made = cls.built(role, values, sources)
    made.folder = Path(folder)
    made.foreign = not cls.__module__.startswith(
        "chipweave."
    )  # the module of a user's file is called chipweave_code_...
    return made


def _class(role: str, kind: Node, gate: Gate, folder: Path | str) -> type[Any]:
    """The class of a policy: code of the user's, or a name of its role with or without the role before it."""
    if is_code(kind.text):
        cls: type[Any] = gate.load(kind.text, Path(folder), ROLES[role], kind.place)
        return cls
    full = kind.text if kind.text.startswith(f"{role}.") else f"{role}.{kind.text}"
    try:
        return registry.policies.find(full)
    except BadInput:
        names = [k.partition(".")[2] for k in registry.policies.kinds() if k.startswith(f"{role}.")]
        raise BadInput(
            Fault(f"unknown {role} policy {kind.text!r}", kind.place, ", ".join(names), nearest(kind.text, names))
        ) from None
