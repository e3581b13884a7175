"""One point of a sweep: what it runs on, the key that says so, and its run."""

from __future__ import annotations

import json
import os
import re
import traceback
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from chipweave import __version__
from chipweave.declare import yamlfile
from chipweave.declare.params import as_node
from chipweave.errors import BadInput, Fault, nearest
from chipweave.policy import strategy as strategies
from chipweave.policy.roles import ROLES
from chipweave.run.spec import RunSpec
from chipweave.trace import law as laws
from chipweave.trace import library, models

SPEC_KEYS = tuple(f.name for f in fields(RunSpec) if f.name not in ("sets", "folder", "allow_code"))
FILES = ("topology", "preset", "model", "trace", "strategy")
LABEL = "case"  # a name for settings that go together; changes nothing
HIDDEN = ("folder", "allow_code", "engine")
YAML = (".yaml", ".yml")
WORD = re.compile(r"""[^\s"'{}\[\],=]{1,200}""")  # what may be the name of a file


@dataclass(frozen=True)
class Point:
    """A RunSpec and the settings that tell it from the other points of its sweep (name -> value)."""

    spec: RunSpec
    settings: dict

    def key(self) -> str:
        """SHA-256 of what the point runs on.

        Its settings, the content of the files they name and of those these name, the program's version.
        """
        facts = {name: value for name, value in asdict(self.spec).items() if name not in HIDDEN}
        beside = _named_in(json.dumps([facts["strategy"], facts["sets"]], default=str), Path(self.spec.folder))
        if beside:
            facts["files"] = [library.fingerprint(path) for path in beside]
        for name in FILES:
            facts[name] = _content(name, facts[name], self.spec.folder)
        if self.spec.trace is None:
            facts["law"] = laws.of_model(models.load(self.spec.model)).key()
            facts["generator"] = library.GENERATOR_VERSION
        facts["version"] = __version__
        return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _content(name: str, value: Any, folder: str) -> Any:
    """A name as it is; a file's name as the hash of its content and of the files that it names; a trace's folder as
    what changes when a file in it does."""
    if not isinstance(value, str):
        return value
    for path in (Path(folder) / value, Path(value)):
        if path.is_file():
            others = [library.fingerprint(other) for other in _reached(path)]
            return {"file": library.fingerprint(path), **({"files": others} if others else {})}
        if name == "trace" and path.is_dir():
            return {"folder": library.fingerprint(path)}
    return value


def _reached(path: Path) -> list[Path]:
    """The files that a YAML file names, and those that they name: what it extends, code, loads."""
    found: list[Path] = []
    left = [path]
    while left:
        here = left.pop()
        if here.suffix not in YAML:
            continue
        for other in _named_in(here.read_text(errors="replace"), here.parent):
            if other not in found and other != path:
                found.append(other)
                left.append(other)
    return found


def _named_in(text: str, folder: Path) -> list[Path]:
    """The files whose names stand in a text, without what follows a colon (`./hbm4.py:Hbm4`)."""
    words = dict.fromkeys(word.partition(":")[0] for word in WORD.findall(text))
    return [path for word in words if word and (path := Path(os.path.normpath(folder / word))).is_file()]


def build(settings: dict, base: RunSpec) -> Point:
    """The point of some settings over a RunSpec; raises `BadInput` for a setting that there is not.

    A setting is an option of a run (`batch`), a role (`prediction`: a policy by name or mapping), a policy's parameter
    (`allocation.block`), or a part's parameter (`die.hbm.bandwidth`). `case` is a name and changes nothing.
    """
    options, sets, roles = {}, list(base.sets), {}
    for name, value in settings.items():
        head, _, rest = name.partition(".")
        if name == LABEL:
            continue
        if name in SPEC_KEYS:
            options[name] = value
        elif head in ROLES:
            roles[name] = value
        elif rest:
            sets.append(f"{name}={value}")
        else:
            known = [*SPEC_KEYS, *ROLES, LABEL, "PART.PARAMETER"]
            raise BadInput(Fault(f"nothing is called {name!r}", allowed=", ".join(known), nearest=nearest(name, known)))
    spec = replace(base, **options, sets=tuple(sets))
    if roles or not isinstance(spec.strategy, str):
        spec = replace(spec, strategy=written_out(spec.strategy, roles, spec.folder))
    return Point(spec, settings)


def written_out(strategy: Any, roles: dict, folder: str = ".") -> tuple:
    """A strategy as ((role, policy), ...), with roles or their parameters replaced.

    strategy: a name, a file, a mapping or pairs of role and policy. folder: where code that it names is. BadInput with
    all faults of what comes out, those of a file with their places.
    """
    if isinstance(strategy, str):
        known = strategies.shipped()
        if strategy not in known and not os.path.isfile(strategy):
            raise BadInput(
                Fault(f"unknown strategy {strategy!r}", allowed=", ".join(known), nearest=nearest(strategy, known))
            )
        node = yamlfile.load(known.get(strategy) or Path(strategy))
    else:
        node = as_node(_thawed(strategy))
    if node.is_map:
        node = replace(node, value={**node.value, **_replaced(node, roles)})
    strategies.read(node, "", folder=folder, ask_leave=False)
    written = {role: node.value[role].plain() for role in ROLES}
    return tuple((role, p if isinstance(p, str) else tuple(p.items())) for role, p in written.items())


def _replaced(node: yamlfile.Node, roles: dict) -> dict[str, yamlfile.Node]:
    """role -> policy of those that `roles` replaces, or parameters of them; a role that is not there stays so."""
    found: dict[str, yamlfile.Node] = {}
    for name, value in roles.items():
        role, _, parameter = name.partition(".")
        own = found.get(role) or node.get(role)
        if not parameter:
            found[role] = as_node(value, node.place)
        elif own is not None and (own.is_map or own.is_scalar):
            policy = own.value if own.is_map else {"kind": own}
            found[role] = as_node({**policy, parameter: value}, own.place)
    return found


def _thawed(given: Any) -> Any:
    """Pairs as the mapping that they were; anything else as it is."""
    return {key: _thawed(value) for key, value in given} if isinstance(given, tuple) else given


def run(point: Point) -> dict:
    """The row of a point that has run: its figures; {"failed": message} where it could not."""
    from chipweave.run import simulate

    try:
        outcome = simulate.simulate(point.spec, account=False)
    except BadInput as error:
        return {"failed": str(error).splitlines()[0][:500]}
    except Exception as error:  # the other points go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {"failed": f"{type(error).__name__}: {str(error)[:300]} ({Path(where.filename).name}:{where.lineno})"}
    row = {name: value for name, value in outcome.row.items() if name != "strategy"}
    symptoms = "; ".join(outcome.facts["symptoms"]) or None
    return {**row, "trace_sha256": outcome.facts["trace"]["sha256"], "symptoms": symptoms}
