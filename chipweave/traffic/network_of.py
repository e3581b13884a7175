"""A topology's network for `traffic` and `replay`: router parameters by any spelling, then routers, links and
routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chipweave.errors import BadInput, Fault, nearest
from chipweave.noc import network as flit_network
from chipweave.noc.router import SPELLINGS
from chipweave.noc.router_yaml import FlitRouter
from chipweave.topology.network_settings import SETTINGS
from chipweave.topology.tree import TOP


def router_sets(sets: Sequence[str], network: str) -> list[str]:
    """`--set` texts with router parameters, bare or by BookSim's spelling, given their full path.

    `num_vcs=8`, `router.vcs=8` and `networks.mesh.router.vcs=8` mean the same; others pass as they are.
    """
    out = []
    for text in sets:
        key, equals, value = text.partition("=")
        name = key.strip().removeprefix("router.")
        name = SPELLINGS.get(name, name)
        if name in FlitRouter.params:
            key = f"networks.{network}.router.{name}"
        elif key.strip() in SETTINGS:
            key = f"networks.{network}.{key.strip()}"
        elif "." not in key and key.strip() not in TOP:
            known = sorted({*FlitRouter.params, *SETTINGS})
            raise BadInput(
                Fault(
                    f"--set {text}: network {network} and its routers have no parameter {key.strip()!r}",
                    allowed=", ".join(known),
                    nearest=nearest(name, known),
                )
            )
        out.append(f"{key}{equals}{value}")
    return out


def load(topology: Any, sets: tuple[Any, ...] = (), allow_code: bool = False, network: Any = None) -> Any:
    """(chipweave.noc.routing.RouterGraph, chipweave.noc.router.Router) of load_flit()."""
    made = load_flit(topology, sets, allow_code, network)
    return made.network, made.router


def load_flit(
    topology: str, sets: list[str] | tuple[Any, ...] = (), allow_code: bool = False, network: Any = None
) -> flit_network.FlitNetwork:
    """chipweave.noc.network.FlitNetwork of a topology's network (its only one where none is named).

    Raises BadInput for every fault of the topology, its settings and the router's parameters.
    """
    from chipweave import topology as loader

    names = loader.network_names(topology)  # what a bare setting means depends on the network's name
    if network is None and len(names) > 1:
        raise BadInput(
            Fault(f"{topology} has {len(names)} networks: name one with --network", allowed=", ".join(names))
        )
    if network is not None and names and network not in names:
        raise BadInput(
            Fault(f"{topology} has no network {network!r}", allowed=", ".join(names), nearest=nearest(network, names))
        )
    name = names[0] if network is None and names else network
    system = loader.load(topology, sets=sets if name is None else router_sets(sets, name), allow_code=allow_code)
    if name not in system.networks:
        raise BadInput(Fault(f"{topology} has no network", allowed="a topology with a network, such as mesh_8x8"))
    made = system.networks[name]
    if made.grain != "1":
        what = f"network {name} has grain {made.grain}, which is of messages: `traffic` and `replay` count single flits"
        raise BadInput(Fault(what, made.written, f"--set {name}.grain=1"))
    return flit_network.of(made)


def prove(made: flit_network.FlitNetwork, allow_deadlock: bool = False) -> None:
    """Refuse a network that can deadlock, unless the option or the network itself (`allow_deadlock: true`) lets it.

    Raises:
        BadInput: the cycle of channels, with the place where the routes are chosen.
    """
    if not allow_deadlock:
        made.prove()
