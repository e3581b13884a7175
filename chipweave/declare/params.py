"""Declared = checked = documented: parameters and statistics, shared by components and policies.

    class Llc(Component):
        hit_latency = Param("time", default="100 ns", low="1 ps", doc="lookup to data, on a hit")
        sizes = Param("table", columns={"up_to": "count", "share": "share"}, doc="...")
        hits = Stat("accesses", "lookups that found their line")

On an instance a parameter is its parsed value and cannot be changed; a statistic is a plain number that can.
An undeclared name, a wrong unit, a value out of range: all faults of one part are reported together.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, overload

from chipweave.declare import units
from chipweave.declare.provenance import Source, split
from chipweave.declare.yamlfile import Node
from chipweave.errors import BadInput, Fault, Faults, Place, nearest

if TYPE_CHECKING:
    from typing_extensions import Self

REQUIRED = type("Required", (), {"__repr__": lambda self: "required"})()
TYPES = (*units.NAMES, "choice", "table")
WHOLE, MOST_WHOLE = ("count", "int"), 2**31 - 1


class Param:
    """One declared parameter.

    Args:
        type: a dimension of `chipweave.declare.units`, "choice" or "table".
        default: as it would be written in YAML; without it the parameter must be given. None: may be left out.
        low, high: the least and greatest value allowed, written as the value is; whole numbers end at 2^31 - 1
            otherwise.
        choices: for "choice", the texts allowed, or a function that gives them when they are first needed.
        columns: for "table", name -> dimension (or Param, for a column with a default or a range). The value is a
            tuple of dicts, one a row.
        rounding: let a time or a number of bytes be rounded to the nearest whole (see units.parse).
        many: the value is a list of such values, as a tuple.
        behind: the parameter in whose place another one is read where that is given (a table): a value set by the user
            is then refused, since nothing would read it.
        each: of a staged component: its chains read the value instance by instance (`Staged.each`, `Staged.by_die`), so
            that parts which differ in it alone share one program. Otherwise parts that differ have programs of their
            own.
        outside: why no run reads it, of a figure that calibration or a ledger alone needs; `check` warns where it is
            written.
        held: read where a message holds its links (`link_model: circuit`) alone; `check` warns where it is written and
            links are shared.
        of: the device whose figure the default is; results of another device say that they rest on it.
        doc: one line: what it is, from where to where.
    """

    def __init__(
        self,
        type: str,
        default: Any = REQUIRED,
        low: float | str | None = None,
        high: float | str | None = None,
        choices: Sequence[str] | Mapping[str, Any] | Callable[[], Iterable[str]] = (),
        columns: Mapping[str, str | Param] | None = None,
        rounding: bool = False,
        many: bool = False,
        doc: str = "",
        each: bool = False,
        behind: str = "",
        outside: str = "",
        held: bool = False,
        of: str = "",
    ) -> None:
        """Arguments as above.

        TypeError for a type that there is not, and for a choice without choices or a table without
        columns: faults of who declares, found at import.
        """
        if type not in TYPES:
            raise TypeError(f"Param type {type!r} is none of {', '.join(TYPES)}")
        if (type == "choice") != bool(choices) or (type == "table") != bool(columns):
            raise TypeError("a choice has choices, a table has columns, nothing else has either")
        if type in WHOLE:  # kernels and twins take 32 bits: the range stands where the number is declared
            high = MOST_WHOLE if high is None else high
            low = -MOST_WHOLE if low is None and type == "int" else low
        self.type, self.default, self.low, self.high = type, default, low, high
        self.given_choices, self.rounding, self.many, self.doc, self.each = choices, rounding, many, doc, each
        self.behind, self.outside, self.held, self.of = behind, outside, held, of
        self.columns = {n: c if isinstance(c, Param) else Param(c) for n, c in (columns or {}).items()}
        named(self.columns)
        self.name = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    def __get__(self, part: Any, owner: type[Any] | None = None) -> Any:
        """The parsed value on an instance; on the class the Param itself, which is how `info` and the loader see it."""
        return self if part is None else part.values[self.name]

    def __set__(self, part: Any, value: Any) -> NoReturn:
        """AttributeError: a part's configuration does not change while it runs."""
        raise AttributeError(f"{self.name} is a parameter: it is fixed when the part is built")

    @property
    def choices(self) -> tuple[str, ...]:
        """The texts allowed for a choice."""
        given = self.given_choices
        return tuple(given() if callable(given) else given)

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is REQUIRED

    def default_value(self) -> Any:
        """The default, parsed as if it had been written."""
        return None if self.default is None else self.read(as_node(self.default))

    def read(self, node: Node) -> Any:
        """The parsed value of a Node.

        Raises:
            BadInput: every fault of it, each with its place.
        """
        faults = Faults()
        if self.many and not node.is_list:
            faults.add(f"{self.name} must be a list, not {node.shape()}", node.place, self.allowed())
        elif self.many:
            value = tuple(self._one(item, faults) for item in node.value)
        else:
            value = self._one(node, faults)
        faults.raise_if_any()
        return value

    def _one(self, node: Node, faults: Faults) -> Any:
        """The value of one Node, None after a fault: choice, table or a number with its unit, within low and high."""
        if self.type == "table":
            return self._rows(node, faults)
        if node.value is None and self.default is None:
            return None
        if not node.is_scalar or node.value is None:
            return faults.add(f"{self.name} cannot be {node.shape()}", node.place, self.allowed())
        if self.type == "choice":
            if node.text not in self.choices:
                faults.add(
                    f"{self.name} cannot be {node.text!r}", node.place, self.allowed(), nearest(node.text, self.choices)
                )
            return node.text
        try:
            value = units.parse(node.text, self.type, self.rounding)
        except BadInput as error:
            fault = error.faults[0]
            return faults.add(f"{self.name}: {fault.what}", node.place, fault.allowed, fault.nearest)
        for bound, wrong in ((self.low, operator.lt), (self.high, operator.gt)):
            if bound is not None and wrong(value, units.parse(bound, self.type)):
                faults.add(f"{self.name} = {node.text} is out of range", node.place, self.allowed())
        return value

    def _rows(self, node: Node, faults: Faults) -> tuple[dict[str, Any] | None, ...] | None:
        if not node.is_list or not node.value:
            faults.add(f"{self.name} must be a list of rows, not {node.shape()}", node.place, self.allowed())
            return None
        return tuple(self._row(row, faults) for row in node.value)

    def _row(self, row: Node, faults: Faults) -> dict[str, Any] | None:
        if not row.is_map:
            faults.add(f"a row of {self.name} must be a mapping, not {row.shape()}", row.place, self.allowed())
            return None
        return read_all(self.columns, row, faults, f"a row of {self.name}")[0]

    def allowed(self) -> str:
        """What may be written, in words."""
        if self.type == "choice":
            return ", ".join(self.choices)
        if self.type == "table":
            return "rows of {" + ", ".join(f"{n}: {c.type}" for n, c in self.columns.items()) + "}"
        ends = [f"from {self.low}"] * (self.low is not None) + [f"to {self.high}"] * (self.high is not None)
        example = units.DIMENSIONS[self.type].example if self.type in units.DIMENSIONS else ""
        return " ".join(["a text" if self.type == "str" else self.type, *ends]) + (
            f", such as {example}" if example else ""
        )


def named(params: dict[str, Param]) -> dict[str, Param]:
    """The mapping name -> Param itself, each Param given its name; for those not declared in a class body."""
    for name, param in params.items():
        param.name = name
    return params


class Stat:
    """One declared statistic: a number with a unit that starts at 0 and is part of every result.

    `metric` names the metric of the results that it adds to, if any: one of docs/reference/metrics.md, or a new
    one of its own.
    """

    def __init__(self, unit: str, doc: str = "", metric: str = "") -> None:
        """unit: as in "accesses" or "bytes"; doc: one line of words; metric: the metric of the results it adds to."""
        self.unit, self.doc, self.metric = unit, doc, metric

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @overload
    def __get__(self, part: None, owner: type[Any] | None = None) -> Stat: ...
    @overload
    def __get__(self, part: Declared, owner: type[Any] | None = None) -> int: ...
    def __get__(self, part: Declared | None, owner: type[Any] | None = None) -> Stat | int:
        return self if part is None else part.stats[self.name]

    def __set__(self, part: Declared, value: int) -> None:
        """Parts count by `self.hits += 1`; the numbers are kept in `stats`, beside those that C counts."""
        part.stats[self.name] = value


class Declared:
    """What components and policies are: a class whose parameters and statistics are declared in its body.

    Attributes of the class:
        kind: the registered name, set by @component or @policy.
        params, statistics: name -> Param, name -> Stat, inherited ones included.
    Attributes of an instance:
        name: "die[0][3].llc", or what it was called.
        values: parameter -> parsed value.
        stats: statistic -> number.
        given_sources: parameter -> chipweave.declare.provenance.Source, where one was written.
    """

    kind = ""
    params: dict[str, Param] = {}
    statistics: dict[str, Stat] = {}
    declares: tuple[tuple[str, type[Any]], ...] = (("params", Param), ("statistics", Stat))

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        for attribute, declared in cls.declares:
            own = {n: v for n, v in vars(cls).items() if isinstance(v, declared)}
            setattr(cls, attribute, {**getattr(cls, attribute), **own})

    def __init__(self, name: str = "", **given: Any) -> None:
        """Build one from values as they would be written in YAML: `Llc(hit_latency="90 ns")`."""
        faults = Faults()
        values, sources = self.read_params(Node({k: as_node(v) for k, v in given.items()}), faults)
        faults.raise_if_any()
        self._fill(name, values, sources)

    @classmethod
    def read_params(cls, node: Node, faults: Faults) -> tuple[dict[str, Any], dict[str, Source]]:
        """(values, sources) of a mapping Node; `faults` gets all that is wrong."""
        return read_all(cls.params, node, faults, cls.kind or cls.__name__)

    @classmethod
    def built(cls, name: str, values: dict[str, Any], sources: dict[str, Source] | None = None) -> Self:
        """An instance from values already parsed (the loader's way in)."""
        made = cls.__new__(cls)
        made._fill(name, values, sources or {})
        return made

    def _fill(self, name: str, values: dict[str, Any], sources: dict[str, Source]) -> None:
        self.name, self.values, self.given_sources = name or self.kind or type(self).__name__, values, sources
        self.stats: dict[str, int] = {n: 0 for n in self.statistics}

    @classmethod
    def about(cls) -> str:
        """The class's own words."""
        return (cls.__doc__ or "").strip()


def as_node(value: Any, place: Place = Place()) -> Node:
    """A Node of a Python value, as if it had been written in YAML."""
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        return Node({k: as_node(v, place) for k, v in value.items()}, place, keys={k: place for k in value})
    if isinstance(value, (list, tuple)):
        return Node([as_node(v, place) for v in value], place)
    text = "" if value is None else {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return Node(value, place, text)


def check_head(root: Node, what: str, schema: str, allowed: Collection[str], needed: Iterable[str]) -> Faults:
    """Hold the keys of a file to what it may and must have, and its `schema`; returns the Faults so far (of the schema
    alone).

    Raises:
        BadInput: keys that are unknown or missing, or no mapping at all.
    """
    faults = Faults()
    if not root.is_map:
        raise BadInput(Fault(f"a {what} must be a mapping, not {root.shape()}", root.place))
    for key in root.value:
        if key not in allowed:
            faults.add(f"unknown key {key!r}", root.keys[key], ", ".join(allowed), nearest(key, allowed))
    for key in needed:
        if key not in root.value:
            faults.add(f"lacks {key!r}", root.place)
    faults.raise_if_any()
    head = root.value["schema"]
    if head.value != schema:
        faults.add(f"schema {head.shape()}", head.place, schema)
    return faults


def read_all(
    params: Mapping[str, Param], node: Node, faults: Faults, what: str, beside: Iterable[str] = ()
) -> tuple[dict[str, Any], dict[str, Source]]:
    """Read a mapping Node by declared `params`; `what` names it in messages, `beside` what else it may hold, read
    elsewhere.

    Returns:
        (name -> parsed value with defaults filled in, name -> Source of those that state one). Where faults were
        added the values are incomplete.
    """
    values: dict[str, Any] = {}
    sources: dict[str, Source | None] = {}
    for key, value in node.value.items():
        if key not in params and key not in node.weak:
            place = node.keys.get(key, value.place)
            known = [*params, *beside]
            faults.add(f"{what} has no parameter {key!r}", place, ", ".join(known) or "none", nearest(key, known))
    for name, param in params.items():
        given = node.value.get(name)
        if given is None:
            if param.required:
                faults.add(f"{what} needs {name!r}", node.place, param.allowed())
            else:
                values[name] = param.default_value()
            continue
        bare, sources[name] = split(given, faults)
        try:
            values[name] = param.read(bare)
        except BadInput as error:
            faults.found += error.faults
    return values, {name: source for name, source in sources.items() if source}
