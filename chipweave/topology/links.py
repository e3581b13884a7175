"""Links that belong to no network (wires), and the check of every port.

    links:
      - {between: [sm.memory, llc.access], latency: included}
      - {between: [cp.dies, die.cp.global], latency: 500 ns, bandwidth: 64 GB/s}

Each side is PART.PORT. A part that is there many times stands for all its instances unless an index says which:
`die.cp.up` is every die's, `die[0][*].cp.up` those of row 0. Two sides of equal number are joined one to one; a
single one is joined to each of the others. `over: NETWORK` in place of latency and bandwidth leads over a network's
route (chipweave.topology.over). `latency: included` says that the time is part of the numbers of the parts
it joins (an LLC's hit latency is measured at the SM); a latency of zero is a fault.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from chipweave.component.component import Port
from chipweave.declare.params import Param, named, read_all
from chipweave.declare.provenance import numbers
from chipweave.declare.yamlfile import Node
from chipweave.errors import Faults, Place, nearest
from chipweave.topology.parts import Expander
from chipweave.topology.patterns import INDEX, bare, matches, span

NETWORK = "network"  # the protocol that networks provide
WIRE = named(
    {
        "latency": Param("time", low="1 ps", doc="from leaving one port to arriving at the other"),
        "bandwidth": Param("bandwidth", default=None, low="1 B/s", doc="payload, one direction"),
    }
)
OVER = named({"over": Param("str", doc="a network that both parts take part in, whose route is the link's way")})
INCLUDED = named({"latency": Param("choice", choices=["included"])})
SEGMENT = re.compile(r"([A-Za-z_]\w*)((?:\[[^\[\]]*\])*)")
MAX_LINKS = 1_000_000
End = tuple[str, str]  # (part, port)


class Wirer:
    """Makes the wires and checks that every port has what it needs.

    Args:
        expander: chipweave.topology.parts.Expander, after its parts are expanded.
        faults: gets all that is wrong; each thing once, however many instances have it.

    `shapes` maps a name without indices to all its instances, so that a pattern is matched against
    those alone.
    """

    def __init__(self, expander: Expander, faults: Faults) -> None:
        self.expander, self.faults = expander, faults
        self.instances = expander.instances
        self.wires: list[tuple[End, End, dict[str, Any]]] = []
        self.places: list[Place] = []  # of each wire
        self.ends: defaultdict[End, list[tuple[End, Place]]] = defaultdict(list)
        self.read: dict[int, dict[str, Any] | None] = {}
        # (id of an assembly's links, what equal instances share) -> wires without the instance's name, places
        self.within: dict[tuple[int, int], list[tuple[End, End, dict[str, Any], Place]]] = {}
        self.said: set[tuple[str, Place]] = set()
        self.failed: set[str] = set()
        # "die.hbm" -> [(indices by segment, name)]
        self.shapes: defaultdict[str, list[tuple[tuple[tuple[int, ...], ...], str]]] = defaultdict(list)
        known: dict[
            str, tuple[str, tuple[int, ...]]
        ] = {}  # "die[0][3]" -> ("die", (0, 3)): all parts of a die begin so
        for name in self.instances:
            words = name.split(".")
            for word in words:
                if word not in known:
                    base, index = SEGMENT.findall(word)[0]
                    known[word] = base, tuple(int(i) for i in re.findall(r"\d+", index))
            self.shapes[".".join(known[w][0] for w in words)].append((tuple(known[w][1] for w in words), name))

    def say(self, what: str, place: Place, allowed: str = "", near: str = "") -> None:
        """A fault once, however many instances have it."""
        if (what, place) not in self.said:
            self.said.add((what, place))
            self.faults.add(what, place, allowed, near)

    def find(self, text: str, prefix: str = "") -> list[str]:
        """Names of the parts that a pattern such as `die[0][*].hbm` stands for, in order of expansion."""
        if (
            prefix + text in self.instances
        ):  # most are whole names: a wafer's wires then grow with its dies, not their square
            return [prefix + text]
        segments = SEGMENT.findall(prefix + text)
        if ".".join(name + index for name, index in segments) != prefix + text:
            return []
        wanted = [[span(f, 1 << 30) for f in INDEX.findall(index)] for _, index in segments]
        found = []
        for indices, name in self.shapes.get(".".join(name for name, _ in segments), ()):
            if all(not w or matches(i, w) for w, i in zip(wanted, indices, strict=False)):
                found.append(name)
        return found

    def place_of(self, name: str) -> tuple[int, ...]:
        """The place of a part in all grids it lies in: die[0][3].hbm[2] is at (0, 3, 2)."""
        return tuple(int(i) for i in re.findall(r"\[(\d+)\]", name))

    def dims_of(self, name: str) -> tuple[int, ...]:
        """The lengths of all grids a part lies in, as `place_of` counts them."""
        words = bare(name).split(".")
        grids = self.expander.grids
        return tuple(n for i in range(len(words)) for n in grids.get(".".join(words[: i + 1]), ()))

    def side(self, node: Node, prefix: str) -> list[End]:
        """[(part name, port name)] of one side of a link; [] after a fault.

        Instances of one name may be of several kinds where overridden: every one must have the port.
        """
        part, _, port = node.text.rpartition(".")
        names = self.find(part, prefix) if part else []
        if not names:
            known = sorted(k[len(bare(prefix)) :] for k in self.shapes if k.startswith(bare(prefix)))
            if part in known:
                whose = bare(prefix).rstrip(".")
                what = f"{node.text!r}: an override takes {part} away from some {whose}, and this link leads there"
                self.say(what, node.place, f"an assembly of its own for what has no {part}, with links of its own")
                return []
            self.say(
                f"{node.text!r} is not PART.PORT of a part that is there",
                node.place,
                ", ".join(f"{k}.PORT" for k in known[:12]),
                nearest(part, known),
            )
            return []
        lacking = next((name for name in names if port not in self.instances[name].part.ports), None)
        if lacking is not None:
            kind, ports = self.instances[lacking].part.kind, self.instances[lacking].part.ports
            where = "" if lacking == names[0] else f"{lacking}: "
            self.say(
                f"{where}{kind} has no port {port!r}", node.place, ", ".join(ports) or "none", nearest(port, ports)
            )
            return []
        return [(name, port) for name in names]

    def wire_instance(self, node: Node, prefix: str, path: str, alike: int | None) -> None:
        """The links of one instance of an assembly; `alike`: a number that instances with equal parts share, or None.

        Links of an assembly stay within it, so those of one more equal instance are the first one's under other names.
        """
        known = self.within.get((id(node), alike)) if alike is not None else None
        if known is not None and len(self.wires) + len(known) <= MAX_LINKS:
            for (user, port), (provider, other), settings, place in known:
                self.add((prefix + user, port), (prefix + provider, other), place, settings)
            return
        before, said = len(self.wires), len(self.faults.found)
        self.wire_all(node, prefix, path)
        if alike is not None and len(self.faults.found) == said:
            cut, made = len(prefix), zip(self.wires[before:], self.places[before:], strict=True)
            self.within[id(node), alike] = [
                ((a[cut:], port), (b[cut:], other), settings, place)
                for ((a, port), (b, other), settings), place in made
            ]

    def wire_all(self, node: Node, prefix: str = "", path: str = "links") -> None:
        """All links of one `links` list."""
        if not node.is_list:
            return self.say(
                f"{path} must be a list, not {node.shape()}",
                node.place,
                "- {between: [PART.PORT, PART.PORT], latency: ...}",
            )
        for i, item in enumerate(node.value):
            if id(item) not in self.read:
                self.read[id(item)] = self.settings(item, f"{path}[{i}]")
            settings = self.read[id(item)]
            if settings:
                self.wire(item, prefix, settings)

    def settings(self, item: Node, path: str) -> dict[str, Any] | None:
        """Parameters of one link, or None after a fault.

        `latency: included` allows no bandwidth: such a wire is a connection of which the parts' own
        values tell the time.
        """
        between = item.get("between")
        if (
            not item.is_map
            or between is None
            or not between.is_list
            or len(between.value) != 2
            or not all(n.is_scalar for n in between.value)
        ):
            self.say(
                "a link needs the two ports it joins",
                item.place,
                "{between: [PART.PORT, PART.PORT], latency: ..., bandwidth: ...}",
            )
            return None
        rest = Node({k: v for k, v in item.value.items() if k != "between"}, item.place, keys=item.keys)
        latency = rest.get("latency")
        included = latency is not None and latency.text == "included"
        before = len(self.faults.found)
        if rest.get("over") is not None:
            values, _ = read_all(OVER, rest, self.faults, "a link over a network")
            return values if len(self.faults.found) == before else None
        values, sources = read_all({**WIRE, **(INCLUDED if included else {})}, rest, self.faults, "a link")
        if not included and "bandwidth" not in rest.value and latency is not None:
            self.say("a link needs 'bandwidth'", item.place, WIRE["bandwidth"].allowed())
        if not included:
            self.expander.sources += numbers(path, rest, WIRE, sources)
        if len(self.faults.found) > before:
            return None
        return {"latency_ps": 0 if included else values["latency"], "bandwidth": values["bandwidth"]}

    def wire(self, item: Node, prefix: str, settings: dict[str, Any]) -> None:
        """Join both sides of one link for one instance of its assembly; the shorter side, if single, is repeated."""
        left, right = (self.side(n, prefix) for n in item.value["between"].value)
        if not left or not right:  # reported already; do not add that the ports at the other end have no link
            self.failed.update(n.text.rpartition(".")[2] for n in item.value["between"].value)
            return
        if len(left) != len(right) and 1 not in (len(left), len(right)):
            return self.say(
                f"{len(left)} ports cannot be joined to {len(right)}",
                item.place,
                "as many on both sides, or one on one side",
            )
        many = max(len(left), len(right))
        left, right = (side * many if len(side) == 1 else side for side in (left, right))
        if len(self.wires) + many > MAX_LINKS:
            return self.say(f"more than {MAX_LINKS} links", item.place)
        for a, b in zip(left, right, strict=False):
            self.join(a, b, item.place, settings)

    def join(self, a: End, b: End, place: Place, settings: dict[str, Any]) -> None:
        """One wire; the side that uses the protocol comes first."""
        port_a, port_b = (self.instances[n].part.ports[p] for n, p in (a, b))
        if port_a.protocol != port_b.protocol or port_a.provides == port_b.provides:
            words = [
                f"{self.instances[n].part.kind}.{p} {'provides' if port.provides else 'uses'} {port.protocol}"
                for (n, p), port in ((a, port_a), (b, port_b))
            ]
            return self.say(
                f"these ports do not fit: {words[0]}, {words[1]}",
                place,
                "one that uses and one that provides the same protocol",
            )
        self.add(*((b, a) if port_a.provides else (a, b)), place, settings)

    def add(self, user: End, provider: End, place: Place, settings: dict[str, Any]) -> None:
        """One wire, known to both ends."""
        self.wires.append((user, provider, settings))
        self.places.append(place)
        self.ends[user].append((provider, place))
        self.ends[provider].append((user, place))

    def check_ports(self) -> None:
        """Every port has as many links as it is declared for; the same fault of many instances is reported once."""
        faults_at: defaultdict[tuple[str, str, str], list[tuple[str, Place, Port]]] = defaultdict(list)
        for name, instance in self.instances.items():
            for port_name, port in instance.part.ports.items():
                ends = self.ends.get((name, port_name), ())
                if not ends and not port.optional and port_name not in self.failed:
                    faults_at[instance.path, port_name, "is not connected"].append((name, instance.node.place, port))
                elif len(ends) > 1 and not port.many:
                    faults_at[instance.path, port_name, f"is connected {len(ends)} times"].append(
                        (name, ends[1][1], port)
                    )
        for (_, port_name, what), all_of_it in faults_at.items():
            name, place, port = all_of_it[0]
            more = f" (and {len(all_of_it) - 1} more like it)" if len(all_of_it) > 1 else ""
            verb = "provides" if port.provides else "uses"
            need = "a network's joins" if port.protocol == NETWORK else "one link"
            self.faults.add(f"port {name}.{port_name}, which {verb} {port.protocol}, {what}{more}", place, need)
