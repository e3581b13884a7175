"""From the words of a command or file to a model laid over a server, checked."""

from chipweave.serving import models, schedule, setting, system
from chipweave.serving.package_kernels import kernels_of
from chipweave.serving.step import Setup


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
) -> Setup:
    """A Setup that fits `batch` sequences of `context` tokens.

    Raises:
        BadInput: an unknown name, ranks that do not divide, weights or caches beyond memory, with the numbers.
    """
    machine, shapes = system.load(server), models.load(model)
    layout, precision = setting.parallel(ways), setting.precision(formats)
    setting.check(machine, shapes, layout, precision, batch, context)
    kernels = kernels_of(machine, framework, balance)
    if kernels.routed:
        kernels.routed.check(shapes)
    return Setup(shapes, kernels, layout, precision, schedule.load(plan))
