"""Code named in YAML: `my_lab.hbm4:Hbm4` (a dotted path) or `./hbm4.py:Hbm4` (a file, relative to the YAML file).

It is imported only once the user allows it; until then each such name is written down, so that one message can say
which parts are code. What was imported is kept with its SHA-256 for the manifest. What goes wrong in it while it runs
is reported with its own file and line (`blamed`): it is the user's to mend, not ours."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from chipweave.errors import BadInput, ChipweaveError, Fault, Place

DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$")
FILE = re.compile(r".+\.py:[A-Za-z_]\w*$")


LET_IN: dict[type, str] = {}  # class -> name of what was let in, in this process
LOADED: list[type] = []  # the same classes in order, each as often as it was named
HERE: ContextVar[set[type] | None] = ContextVar("HERE", default=None)  # what was let in under `blamed`


def is_code(name: str) -> bool:
    """Whether a kind's name is code: it has a colon, which no kind has."""
    return ":" in name


class Gate:
    """Lets code in, or keeps it out and remembers what named it.

    Attributes:
        refused: (name, Place) of what was kept out.
        used: name -> {"file": ..., "sha256": ...} of what was let in.
    """

    def __init__(self, allowed: bool = False) -> None:
        self.allowed = allowed
        self.refused: list[tuple[str, Place]] = []
        self.used: dict[str, dict[str, str]] = {}

    def load(self, name: str, folder: Path, base: type[Any], place: Place = Place()) -> Any:
        """The class `name` stands for, which must be a `base`; None where code is not allowed.

        Args:
            folder: what a file's path is relative to.
        Raises:
            BadInput: no such file, module or class; or it is not a `base`; or importing it failed.
        """
        if not (FILE.match(name) or DOTTED.match(name)):
            raise BadInput(
                Fault(f"{name!r} is neither a kind nor code", place, "a kind, ./file.py:Class or package.module:Class")
            )
        if not self.allowed:
            self.refused.append((name, place))
            return None
        target, _, cls_name = name.rpartition(":")
        if FILE.match(name) and not (Path(folder) / target).is_file():
            raise BadInput(Fault(f"no file {target}", place))
        try:
            module = _from_file(Path(folder) / target) if FILE.match(name) else importlib.import_module(target)
        except (Exception, SystemExit) as error:
            at = _line_in(error, Path(folder) / target)
            words = f"importing {target} failed{at}: {type(error).__name__}: {error}"
            raise BadInput(Fault(words, place)) from error
        cls = getattr(module, cls_name, None)
        if not (isinstance(cls, type) and issubclass(cls, base)):
            what = "is not there" if cls is None else f"is not a {base.__name__}"
            raise BadInput(Fault(f"{cls_name} of {target} {what}", place))
        if "kind" not in vars(cls):
            let_in: Any = cls  # `base` declares kinds; this module does not know it
            let_in.kind = name
        vars(module)["__chipweave_code__"] = True  # for `blamed`
        LET_IN[cls] = name
        LOADED.append(cls)
        here = HERE.get()
        if here is not None:
            here.add(cls)
        file = getattr(module, "__file__", None)
        if file:
            self.used[name] = {"file": Path(file).name, "sha256": _sha256(file)}
        return cls

    def raise_if_refused(self) -> None:
        """One fault for all the code that was kept out."""
        if self.refused:
            names = ", ".join(f"{name} ({place})" if str(place) else name for name, place in self.refused)
            raise BadInput(
                Fault(
                    f"these parts are code, which is not run unasked: {names}", allowed="--allow-code, if you trust it"
                )
            )


@contextlib.contextmanager
def blamed(here: set[type] | None = None) -> Iterator[None]:
    """What fails in code that a Gate let in, or on what such code returned or declared, becomes a BadInput with its
    line.

    here: classes that were let in for this work before; a step within other work goes by those of the whole.
    """
    here = (set() if (outer := HERE.get()) is None else outer) if here is None else here
    before = HERE.set(here)
    try:
        yield
    except BadInput as error:
        place = where(error)
        if place is None:
            raise
        raise BadInput([f if str(f.place) else replace(f, place=place) for f in error.faults]) from error
    except ChipweaveError:
        raise
    except (Exception, SystemExit) as error:
        fault = blame(error, here)
        if fault is None:
            raise
        raise BadInput(fault) from error
    finally:
        HERE.reset(before)


def blame(error: BaseException, here: Collection[type] = ()) -> Fault | None:
    """The Fault of an exception that came out of let-in code, or was raised on what such code returned; None
    elsewhere.

    here: classes that were let in for the work that failed; where the calls show none and it is the only one, it is
    taken for the cause. Code that was let in for other work is not.
    """
    words = f"{type(error).__name__}: {' '.join(str(error).split())}"
    place = where(error)
    if place is not None:
        return Fault(f"{words} (--debug shows the calls)", place)
    found = _handled(error) or (_let_in(next(iter(here))) if len(here) == 1 else None)
    if found is None:
        return None
    place, name = found
    last = traceback.extract_tb(error.__traceback__)[-1] if error.__traceback__ else None
    at = f" in {Path(last.filename).name}:{last.lineno}" if last else ""
    return Fault(f"{words}{at}, on what {name} declares or returns (--debug shows the calls)", place)


def where(error: BaseException | None) -> Place | None:
    """The Place of the innermost line of let-in code that `error` came through, or None. What code generates
    (`<string>`, as a dataclass does) has no line of theirs: the line that called it has."""
    found = None
    while error is not None and found is None:
        trace = error.__traceback__
        while trace is not None:
            frame = trace.tb_frame
            if frame.f_globals.get("__chipweave_code__") and not frame.f_code.co_filename.startswith("<"):
                found = Place(frame.f_code.co_filename, trace.tb_lineno)
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found


def place_of(thing: object, method: str = "") -> Place:
    """The Place of a class (or instance) of let-in code, or of its method where it wrote one; no Place for other
    code."""
    cls = thing if isinstance(thing, type) else type(thing)
    if not any(base in LET_IN for base in cls.__mro__):
        return Place()
    function: Any = getattr(cls, method, None)
    code = getattr(function, "__code__", None)
    if code is not None and function.__globals__.get("__chipweave_code__"):
        return Place(code.co_filename, code.co_firstlineno)
    try:
        return Place(inspect.getsourcefile(cls) or "", inspect.getsourcelines(cls)[1])
    except (OSError, TypeError):
        return Place()


def _handled(error: BaseException | None) -> tuple[Place, str] | None:
    """(Place, name) of the let-in class that the calls down to `error` were about, the innermost first, or None."""
    found = None
    while error is not None and found is None:
        trace = error.__traceback__
        while trace is not None:
            for value in list(trace.tb_frame.f_locals.values()):
                found = _let_in(value) or found
            trace = trace.tb_next
        error = error.__cause__ or error.__context__
    return found


def _let_in(value: Any) -> tuple[Place, str] | None:
    """(Place, name) where a value is, or waits in, let-in code; else None."""
    generator = getattr(value, "_generator", None)  # a process of SimPy
    frame = getattr(generator, "gi_frame", None)
    if frame is not None and frame.f_globals.get("__chipweave_code__"):
        return Place(frame.f_code.co_filename, frame.f_lineno), frame.f_code.co_name
    cls = value if isinstance(value, type) else type(value)
    name = next((LET_IN[base] for base in getattr(cls, "__mro__", ()) if base in LET_IN), None)
    return (place_of(cls), name) if name else None


def _line_in(error: BaseException, file: Path) -> str:
    """Where in a file its import failed, in words."""
    if isinstance(error, SyntaxError):
        return f" in line {error.lineno}"
    lines = [t.lineno for t in traceback.extract_tb(error.__traceback__) if Path(t.filename).name == file.name]
    return f" in line {lines[-1]}" if lines else ""


def _from_file(path: Path) -> ModuleType:
    """The module of a file, imported once for each state of its text."""
    path = path.resolve()
    name = f"chipweave_code_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    if name in sys.modules and vars(sys.modules[name])["__sha256__"] == _sha256(path):
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # a .py file always has both
    module = importlib.util.module_from_spec(spec)
    vars(module)["__sha256__"] = _sha256(path)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _sha256(path: Path | str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
