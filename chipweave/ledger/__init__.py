"""The ledger of validation: every reference row beside what the model says, misses included.

A *case* (one file of validation/cases) answers the rows of one group. It is handed `Question`s, which carry the
conditions of a measurement but not its value: a prediction cannot look at what it is to predict.

    @case("h100", "loadlat", bar=0.12)
    def predict(questions):
        return {q.id: 512.0 if modelled(q) else NotModelled("needs texture loads") for q in questions}
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import correlation, fmean, median
from typing import TYPE_CHECKING, Any

from chipweave.errors import BadInput, Fault, Faults, Place
from chipweave.io import csvfile

if TYPE_CHECKING:
    from importlib.abc import Traversable

SCORED = "predicted"
FIGURES = ("mape", "median", "max", "bias", "correlation")
COLUMNS = ["id", "group", "quantity", "value", "unit", "device", "clock", "conditions", "x_name", "x_value", "role"]


@dataclass(frozen=True)
class Question:
    """One measurement without its value: what was measured, on what, under which conditions."""

    id: str
    group: str
    quantity: str
    unit: str
    device: str
    clock: str
    conditions: str
    x_name: str
    x_value: str
    role: str

    @property
    def x(self) -> float | None:
        """`x_value` as a number, or None where it is none."""
        try:
            return float(self.x_value)
        except ValueError:
            return None


@dataclass(frozen=True)
class NotModelled:
    """The honest answer to a question that the model cannot answer; `why` is printed in the ledger."""

    why: str


Answers = dict[str, "NotModelled | float | None"]
Predict = Callable[[list[Question]], Mapping[str, "NotModelled | float | None"]]
Figures = dict[str, Any]  # of a group: "group", "role" and whole numbers beside FIGURES, which may be None


@dataclass
class Result:
    """One row of the ledger; the keys are those of the JSON schema `chipweave.validate/1`."""

    id: str
    group: str
    role: str
    device: str
    quantity: str
    x_name: str
    x_value: str
    reference: float | None
    simulated: float | None
    error: float | None
    tolerance: float | None
    status: str
    why: str = ""
    inherited: dict[str, int] = field(default_factory=dict)  # other device -> numbers of it that the answer rests on
    conditions: str = field(default="", repr=False)  # of its reference row, as unit and clock
    unit: str = field(default="", repr=False)
    clock: str = field(default="", repr=False)
    counts: bool = field(default=True, repr=False)  # whether it enters its group's errors

    @property
    def x(self) -> float | None:
        """`x_value` as a number, or None where it is none."""
        return number(self.x_value)

    @property
    def question(self) -> Question:
        """Its reference row without the value."""
        return Question(**{name: getattr(self, name) for name in COLUMNS if name != "value"})


@dataclass(frozen=True)
class Case:
    """What answers a group: `predict(questions) -> {id: float or NotModelled}`.

    bar: mean absolute relative error the group must keep, a number or a function of the question;
    None: no bar. point: what makes rows one point of which only the best counts (a tuned
    parameter); together: what makes rows depend on each other, so that one process answers them.
    """

    suite: str
    group: str
    predict: Predict
    bar: float | Callable[[Question], float | None] | None = None
    point: Callable[[Question], Any] | None = None
    together: Callable[[Question], Any] | None = None

    def bar_of(self, question: Question) -> float | None:
        """The bar that a question falls under."""
        return self.bar(question) if callable(self.bar) else self.bar


CASES: dict[tuple[str, str], Case] = {}


def case(
    suite: str,
    group: str,
    bar: float | Callable[[Question], float | None] | None = None,
    point: Callable[[Question], Any] | None = None,
    together: Callable[[Question], Any] | None = None,
) -> Callable[[Predict], Predict]:
    """Decorator: this function answers the rows of `group` in `suite`; a group answered twice is refused.

    A module that is loaded again (a second path to the same file) may register again. Arguments as
    of `Case`.
    """

    def register(predict: Predict) -> Predict:
        key = (suite, group)
        known = CASES.get(key)
        if known and known.predict.__module__ != predict.__module__:
            raise BadInput(
                f"group {group} of suite {suite} is answered twice: {known.predict.__module__}, {predict.__module__}"
            )
        CASES[key] = Case(suite, group, predict, bar, point, together)
        return predict

    return register


def discover() -> dict[tuple[str, str], Case]:
    """Import every case file once; returns {(suite, group): Case}."""
    package = importlib.import_module("chipweave.validation.cases")
    for module in sorted(m.name for m in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{module}")
    return CASES


def read_references(path: Path | str | Traversable) -> list[tuple[Question, str]]:
    """[(Question, value text)] of a CSV with the columns of the shipped table, or of every CSV of a folder.

    Raises `BadInput` with every fault: file and line of missing columns, short or long rows, ids that occur twice.
    """
    path = Path(str(path))
    tables = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    faults = Faults()
    rows: list[tuple[Question, str]] = []
    seen: dict[str, Place] = {}
    if not tables:
        raise BadInput(Fault("no .csv file in the reference folder", Place(str(path))))
    for table in tables:
        rows += _read_table(table, seen, faults)
    faults.raise_if_any()
    return rows


def _read_table(path: Path, seen: dict[str, Place], faults: Faults) -> list[tuple[Question, str]]:
    """The rows of one file; `seen` (id -> where) spans all files."""
    rows = []
    for row, place in csvfile.rows(path, COLUMNS, faults):
        if row["id"] in seen:
            faults.add(f"id '{row['id']}' is there already at {seen[row['id']]}", place)
        else:
            seen[row["id"]] = place
            _check_device(row["device"], place, faults)
            rows.append((Question(**{k: row[k] for k in COLUMNS if k != "value"}), row["value"]))
    return rows


def _check_device(device: str, place: Place, faults: Faults) -> None:
    """A device that is a file is there; whether it is a die is for the cases to say."""
    if device.endswith((".yaml", ".yml")) and not Path(device).is_file():
        faults.add(
            f"device: no file {device}",
            place,
            "a device that ships, or a topology's file; paths start at the current folder",
        )


def number(text: str) -> float | None:
    """The value as one finite number, or None: ranges and words in a reference are shown, not judged."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def relative_error(simulated: float, reference: float) -> float:
    """simulated / reference - 1; where the reference is 0: 0 if simulated is 0, else 1."""
    if reference == 0:
        return 0.0 if simulated == 0 else 1.0
    return simulated / reference - 1


def ask(suite: str, questions: list[Question], cases: dict[tuple[str, str], Case]) -> Answers:
    """{id: float or NotModelled} of the questions whose group has a case."""
    groups: dict[str, list[Question]] = {}
    answers: Answers = {}
    for question in questions:
        groups.setdefault(question.group, []).append(question)
    for group, members in groups.items():
        if (suite, group) in cases:
            answers.update(cases[suite, group].predict(members))
    return answers


def judge(
    suite: str, references: list[tuple[Question, str]], cases: dict[tuple[str, str], Case], ask: Any = ask
) -> list[Result]:
    """Every reference row as a `Result`, in the order of the references; `ask` may answer in several processes."""
    answers = ask(suite, [q for q, _ in references], cases)
    results = [_result(q, number(text), cases.get((suite, q.group)), answers.get(q.id)) for q, text in references]
    _keep_best_of_each_point(suite, references, results, cases)
    return results


def _result(
    question: Question, reference: float | None, found: Case | None, answer: NotModelled | float | None
) -> Result:
    """One row of the ledger: holds, gap, or not modelled with the reason."""
    simulated, why = None, ""
    if reference is None:
        why = "the reference value is not one number"
    elif found is None:
        why = f"no case answers group {question.group}"
    elif isinstance(answer, NotModelled):
        why = answer.why
    elif answer is None:
        why = f"the case of group {question.group} gave no answer"
    elif not math.isfinite(answer):
        why = f"the case of group {question.group} gave {answer}"
    else:
        simulated = answer
    scored = question.role == SCORED
    tolerance = found.bar_of(question) if found and scored else None
    error = None if simulated is None or reference is None else relative_error(simulated, reference)
    status = "not modelled" if error is None else "gap" if tolerance is not None and abs(error) > tolerance else "holds"
    q = question
    return Result(
        q.id,
        q.group,
        q.role,
        q.device,
        q.quantity,
        q.x_name,
        q.x_value,
        reference,
        simulated,
        error,
        tolerance,
        status,
        why,
        conditions=q.conditions,
        unit=q.unit,
        clock=q.clock,
    )


def _keep_best_of_each_point(
    suite: str, references: list[tuple[Question, str]], results: list[Result], cases: dict[tuple[str, str], Case]
) -> None:
    """Where rows are alternatives for one point, only the smallest reference enters the group's figures."""
    points: dict[tuple[Any, ...], list[tuple[float, Result]]] = {}
    for (question, _), result in zip(references, results, strict=False):
        found = cases.get((suite, question.group))
        if found and found.point and result.reference is not None:
            key = (question.group, result.role, found.point(question))
            points.setdefault(key, []).append((result.reference, result))
    for alternatives in points.values():
        _, best = min(alternatives, key=lambda a: a[0])
        for _, result in alternatives:
            if result is not best:
                result.counts = False
                result.why = result.why or "another framework is faster at this point: listed, not counted"


def summarise(results: list[Result]) -> list[Figures]:
    """The groups' figures, worst mean first: n, n_modelled; MAPE, median, max and signed mean of the errors;
    correlation.

    The correlation is that of the logarithms: the values of a group span decades, and on a linear scale the largest few
    decide."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        if result.counts:
            groups.setdefault((result.group, result.role), []).append(result)
    rows = []
    for (group, role), members in groups.items():
        errors = [m.error for m in members if m.error is not None]
        figures: Figures = dict.fromkeys(FIGURES)  # null where nothing is modelled
        if errors:
            sizes = [abs(e) for e in errors]
            figures = {"mape": fmean(sizes), "median": median(sizes), "max": max(sizes), "bias": fmean(errors)}
            figures["correlation"] = _correlation(
                [(m.reference, m.simulated) for m in members if m.reference is not None and m.simulated is not None]
            )
        rows.append({"group": group, "role": role, "n": len(members), "n_modelled": len(errors), **figures})
    return sorted(rows, key=lambda r: (r["role"] != SCORED, -(r["mape"] or 0), r["group"]))


def _correlation(pairs: list[tuple[float, float]]) -> float | None:
    """Pearson's of the logarithms; None below three positive pairs or where one side does not vary."""
    logs = [(math.log(a), math.log(b)) for a, b in pairs if a > 0 and b > 0]
    sides = list(zip(*logs, strict=False))
    return correlation(*sides) if len(logs) > 2 and all(len(set(side)) > 1 for side in sides) else None


def worst(results: list[Result], most: int = 10) -> list[Result]:
    """The rows furthest off among those that count, predicted ones only if there are any."""
    off = [r for r in results if r.counts and r.error]
    scored = [r for r in off if r.role == SCORED]
    return sorted(scored or off, key=lambda r: (-abs(r.error or 0), r.id))[:most]


def missed_bars(results: list[Result]) -> list[tuple[str, float, float]]:
    """[(group, bar, mean error)] of the groups whose scored rows miss their bar; a group may have several bars."""
    kept: dict[tuple[str, float], list[float]] = {}
    for r in results:
        if r.counts and r.role == SCORED and r.tolerance is not None and r.error is not None:
            kept.setdefault((r.group, r.tolerance), []).append(abs(r.error))
    return [(group, bar, fmean(errors)) for (group, bar), errors in sorted(kept.items()) if fmean(errors) > bar]


def as_json(suite: str, version: str, results: list[Result]) -> dict[str, Any]:
    """The document of `chipweave validate --json`."""
    rows = [{k: v for k, v in asdict(r).items() if k != "counts"} for r in results]
    return {
        "schema": "chipweave.validate/1",
        "suite": suite,
        "version": version,
        "rows": rows,
        "groups": summarise(results),
    }
