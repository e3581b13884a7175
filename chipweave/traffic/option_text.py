"""What the options of `chipweave traffic` say, as numbers: lists in braces, packet sizes, loads, injection processes.

Every text is read to its end: what is not understood is refused, nothing is cut off or rounded.
"""

import re
from collections.abc import Iterable

from chipweave.declare import units
from chipweave.errors import BadInput, Fault

MOST_FLITS = 1 << 20  # of a packet of synthetic traffic
NUMBERS = "numbers with commas between, such as 1,5, lists of them in braces: {{0,7},{1,3}}"
INJECTIONS = "bernoulli, on_off(alpha,beta), on_off(alpha,-1,rate), on_off(-1,beta,rate)"
LISTS = re.compile(r"\{[^{}]*\}(?:,\{[^{}]*\})*")
CALL = re.compile(r"\s*(\w+)\s*(?:\((.*)\))?\s*", re.S)

OnOff = tuple[float, float, float]


def call_of(text: str) -> tuple[str, str | None]:
    """(name, argument or None) of `name` or `name(argument)`; any other text is a name as a whole."""
    match = CALL.fullmatch(text)
    return (match[1], match[2]) if match else (text, None)


def numbers_of(text: str, what: str) -> list[list[float]]:
    """Lists of numbers in braces: '{{0,7},{1,3}}' -> [[0, 7], [1, 3]]; one pair of braces, or none, is one list.

    Raises:
        BadInput: anything in it is no finite number; `what` says of what in the message.
    """
    bare = re.sub(r"\s*([{},])\s*", r"\1", text.strip())
    if bare.startswith("{{") and bare.endswith("}}"):
        bare = bare[1:-1]
    if "{" in bare or "}" in bare:
        groups = [group[1:-1] for group in re.findall(r"\{[^{}]*\}", bare)] if LISTS.fullmatch(bare) else [bare]
    else:
        groups = [bare]
    read = [[units.number(word) for word in group.split(",")] if group else [] for group in groups]
    numbers = [[float(number) for number in group if number is not None] for group in read]
    if [*map(len, numbers)] != [*map(len, read)]:
        raise BadInput(Fault(f"{what} {text!r}: not numbers", allowed=NUMBERS))
    return numbers


def whole_of(value: float, what: str) -> int:
    """The whole number that `value` is; BadInput where it has a fraction."""
    if value != int(value):
        raise BadInput(Fault(f"{what} {value:g} is no whole number", allowed=f"{int(value)} or {int(value) + 1}"))
    return int(value)


def for_all(values: list[float], count: int) -> list[float]:
    """A list that goes on with its last value up to `count` values."""
    return values + values[-1:] * (count - len(values))


def sizes_of(text: str, weights: str | None = None) -> list[tuple[int, float]]:
    """(flits, weight) pairs: '4', '1,5', '{{1,5}}' and weights '{{1,1}}'.

    Raises:
        BadInput: a size with a fraction or out of range, weights that do not go with the sizes.
    """
    given = [s for group in numbers_of(str(text), "packet sizes") for s in group]
    sizes = [whole_of(s, f"packet sizes {text!r}:") for s in given]
    shares = [w for group in numbers_of(str(weights), "weights of packet sizes") for w in group] if weights else [1.0]
    shares = for_all(shares, len(sizes))
    fitting = sizes and 1 <= min(sizes) and max(sizes) <= MOST_FLITS
    if not fitting or len(shares) != len(sizes) or min(shares) < 0 or not sum(shares):
        what = f"packet sizes {text!r}" + (f", weights {weights!r}" if weights else "")
        raise BadInput(Fault(what, allowed=f"sizes of 1 to {MOST_FLITS} flits, a weight for each"))
    return list(zip(sizes, shares, strict=True))


def loads_of(texts: Iterable[str]) -> list[float]:
    """The loads of `--load 0.1,0.2 --load 0.3`, flits per endpoint and cycle."""
    loads = [load for text in texts for group in numbers_of(text, "load") for load in group]
    if not loads:
        raise BadInput(Fault("no load is named", allowed="one or several: 0.1,0.2,0.3"))
    return loads


def injection_of(text: str | None) -> OnOff | None:
    """None for `bernoulli`; (alpha, beta, rate while on) for `on_off(alpha,beta[,rate])`, the negative one worked out.

    alpha is the probability per cycle that a source that is off goes on, beta that one that is on goes off.
    """
    name, argument = call_of(text or "bernoulli")
    if name == "bernoulli" and argument is None:
        return None
    refused = BadInput(Fault(f"injection {text!r}", allowed=INJECTIONS))
    if name != "on_off":
        raise refused
    try:
        numbers = [x for group in numbers_of(argument or "", "injection") for x in group]
    except BadInput:
        raise refused from None
    if not 2 <= len(numbers) <= 3 or max(numbers) > 1 or sum(x < 0 for x in [*numbers, -1.0][:3]) != 1:
        raise refused
    alpha, beta, rate = [*numbers, -1.0][:3]
    if alpha == 0 or (rate >= 0 and beta == 0 > alpha):
        raise BadInput(Fault(f"injection {text!r}: such a source never sends", allowed=INJECTIONS + "; alpha above 0"))
    return alpha, beta, rate


def check_reach(injection: str, packet_rate: float) -> None:
    """Raise BadInput where an on-off source cannot send `packet_rate` packets per cycle on average.

    A source is on for alpha / (alpha + beta) of the time and sends at most one packet a cycle while it is.
    """
    on_off = injection_of(injection)
    if on_off is None:
        return
    alpha, beta, rate = on_off
    if rate < 0:
        most = alpha / (alpha + beta)
        why = f"a source is on {most:.4g} of the time and sends at most one packet a cycle while it is"
    elif beta < 0:  # it is alpha (rate - load) / load, and at most 1
        most, least = rate, alpha * rate / (1 + alpha)
        why = f"it would be on for {packet_rate / rate:.4g} of the time" if rate else "it never sends while it is on"
        if packet_rate < least:
            raise _beyond(injection, packet_rate, f"at that alpha it sends at least {least:.4g}", f"from {least:.4g}")
    else:  # alpha is beta load / (rate - load), and at most 1
        most = rate / (1 + beta)
        why = f"at that beta and rate it sends at most {most:.4g}"
    if packet_rate > most * (1 + 1e-9):
        raise _beyond(injection, packet_rate, why, f"up to {most:.4g}")


def _beyond(injection: str, rate: float, why: str, allowed: str) -> BadInput:
    what = f"injection {injection}: {rate:.4g} packets per endpoint and cycle cannot be reached: {why}"
    return BadInput(Fault(what, allowed=f"a load of {allowed} packets per endpoint and cycle, or other parameters"))
