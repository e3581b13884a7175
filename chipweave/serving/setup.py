"""From the words of a command or file to a model laid over a server, checked."""

from __future__ import annotations

from chipweave.errors import BadInput, Fault
from chipweave.serving import models, routed, schedule, setting, system
from chipweave.serving.composed import Choice, Composed
from chipweave.serving.kernels import Kernels
from chipweave.serving.models import ServingModel
from chipweave.serving.package_kernels import kernels_of
from chipweave.serving.step import Setup
from chipweave.serving.system import Server


def setup(
    server: str,
    model: str,
    ways: str = "",
    formats: str = "bf16",
    framework: str = "vllm",
    plan: str = "plain",
    balance: str = "popular",
    batch: int = 1,
    context: int = 1,
    choice: Choice | None = None,
    cache_fills: bool = False,
) -> Setup:
    """A Setup that fits `batch` sequences of `context` tokens.

    choice: under what the experts of a composed system run; cache_fills: whether the cache takes all memory that
    weights leave, as a server's does, and not `batch` sequences alone.

    Raises:
        BadInput: an unknown name, ranks that do not divide, weights or caches beyond memory, with the numbers.
    """
    machine, shapes = system.load(server), models.load(model)
    layout, precision = setting.parallel(ways), setting.precision(formats)
    if machine.composed:
        layout = setting.over_dies(machine, layout, ways)
    elif choice is not None:
        raise BadInput(
            Fault(
                f"strategy, link_model and preset are of composed systems; {server} is none",
                allowed="a composed system, such as wafer_5x5",
            )
        )
    setting.check(machine, shapes, layout, precision, batch, context)
    if machine.composed:
        kernels = Kernels(machine, framework, "popular")
        held = setting.dense_bytes(shapes, layout, precision) + (
            setting.kv_room(machine, shapes, layout, precision)
            if cache_fills
            else -(-batch // layout.dp) * setting.kv_bytes(shapes, layout, precision, context)
        )
        kernels.composed = _composed(machine, shapes, model, precision, balance, choice or Choice(), held)
    else:
        kernels = kernels_of(machine, framework, balance)
    if kernels.routed:
        kernels.routed.check(shapes)
    return Setup(shapes, kernels, layout, precision, schedule.load(plan))


def _composed(
    machine: Server,
    shapes: ServingModel,
    model: str,
    precision: setting.Precision,
    balance: str,
    choice: Choice,
    held: float,
) -> Composed:
    """The system that simulates the experts; BadInput where loads are no trace's."""
    if balance != "popular" and not balance.startswith(routed.PREFIX):
        raise BadInput(
            Fault(
                f"balance '{balance}' on {machine.name}, where tokens are routed one by one",
                allowed=f"popular (a trace made by the model's law), {routed.PREFIX}NAME",
            )
        )
    source = balance.removeprefix(routed.PREFIX) if balance != "popular" else ""
    return Composed(machine.composed, shapes, model, precision.experts, machine.fp8_peak, choice, source, held)
