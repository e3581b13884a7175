"""One point of a sweep: what it runs on, the key that says so, and its run."""

from __future__ import annotations

import json
import os
import traceback
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from chipweave import __version__
from chipweave.declare import yamlfile
from chipweave.errors import BadInput, Fault, nearest
from chipweave.policy import strategy as strategies
from chipweave.policy.roles import ROLES
from chipweave.run.spec import RunSpec
from chipweave.trace import law as laws
from chipweave.trace import models
from chipweave.trace.intake import file_sha256
from chipweave.trace.library import GENERATOR_VERSION

SPEC_KEYS = tuple(f.name for f in fields(RunSpec) if f.name not in ("sets", "folder", "allow_code"))
FILES = ("topology", "preset", "model", "trace", "strategy")
LABEL = "case"  # a name for settings that go together; changes nothing
HIDDEN = ("folder", "allow_code", "engine")


@dataclass(frozen=True)
class Point:
    """A RunSpec and the settings that tell it from the other points of its sweep (name -> value)."""

    spec: RunSpec
    settings: dict

    def key(self) -> str:
        """SHA-256 of what the point runs on.

        Its settings, the content of the files they name, the program's version.
        """
        facts = {name: value for name, value in asdict(self.spec).items() if name not in HIDDEN}
        for name in FILES:
            facts[name] = _content(facts[name], self.spec.folder)
        if self.spec.trace is None:
            facts["law"] = laws.of_model(models.load(self.spec.model)).key()
            facts["generator"] = GENERATOR_VERSION
        facts["version"] = __version__
        return sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _content(value: Any, folder: Any) -> Any:
    """A name as it is; a file's name as the hash of its content."""
    if isinstance(value, str):
        for path in (Path(folder) / value, Path(value)):
            if path.is_file():
                return {"file": file_sha256(path)}
    return value


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
    if roles:
        spec = replace(spec, strategy=written_out(spec.strategy, roles))
    return Point(spec, settings)


def written_out(strategy: Any, roles: dict) -> tuple:
    """A strategy as ((role, policy), ...), with roles or their parameters replaced."""
    if isinstance(strategy, str):
        known = strategies.shipped()
        if strategy not in known and not os.path.isfile(strategy):
            raise BadInput(
                Fault(f"unknown strategy {strategy!r}", allowed=", ".join(known), nearest=nearest(strategy, known))
            )
        node = yamlfile.load(known.get(strategy) or Path(strategy))
        written = {role: own.plain() for role in ROLES if (own := node.get(role)) is not None}
    else:
        written = {role: given if isinstance(given, str) else dict(given) for role, given in strategy}
    for name, value in roles.items():
        role, _, parameter = name.partition(".")
        if parameter:
            policy = written[role]
            policy = {"kind": policy} if isinstance(policy, str) else dict(policy)
            written[role] = {**policy, parameter: value}
        else:
            written[role] = value
    return tuple((role, p if isinstance(p, str) else tuple(p.items())) for role, p in written.items())


def run(point: Point) -> dict:
    """The row of a point that has run: its figures; {"failed": message} where it could not."""
    from chipweave.run import simulate

    try:
        outcome = simulate.simulate(point.spec)
    except BadInput as error:
        return {"failed": str(error).splitlines()[0][:500]}
    except Exception as error:  # the other points go on
        where = traceback.extract_tb(error.__traceback__)[-1]
        return {"failed": f"{type(error).__name__}: {str(error)[:300]} ({Path(where.filename).name}:{where.lineno})"}
    row = {name: value for name, value in outcome.row.items() if name != "strategy"}
    symptoms = "; ".join(outcome.facts["symptoms"]) or None
    return {**row, "trace_sha256": outcome.facts["trace"]["sha256"], "symptoms": symptoms}
