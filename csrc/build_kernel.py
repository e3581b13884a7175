"""Builds the C code as extension modules through cffi's API mode.

    csrc/{flit,stages,endpoints}/**.c -> chipweave._kernel   one module: all of the kernel
    csrc/behaviours/NAME/*.c          -> chipweave._c_NAME   one module each, against csrc/behaviour.h, with those of
                                                             csrc/behaviours/*.c whose headers it includes
    csrc/policies/NAME.c              -> chipweave._c_NAME   one module each: arithmetic of policies

The text between the two `cdef` lines of a header is what Python sees; the whole header is what the C compiler
sees, so declarations are written once. A header that needs another's types includes it, by its path under csrc/;
the order in which cffi reads them follows those includes. A file `*.inc.h` is a template that a .c file includes.
"""

import os
import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CDEF = re.compile(r"/\* cdef: begin \*/(.*?)/\* cdef: end \*/", re.S)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
# Warnings are errors in tests/core/test_csrc.py, not here: a user's compiler may know more of them.
FLAGS = ["-O2", "-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Wno-unused-parameter"]


def with_includes(headers):
    """The headers and all they include, each once, included ones first."""
    ordered = []

    def visit(header):
        if header in ordered:
            return
        for name in INCLUDE.findall(header.read_text()):
            visit(HERE / name)
        ordered.append(header)

    for header in sorted(headers):
        visit(header)
    return ordered


def public(folder):
    """The headers of a folder, and of those in it, with a part that Python sees."""
    return [h for h in folder.rglob("*.h") if CDEF.search(h.read_text())]


def module(name, sources, headers):
    """One cffi module from `sources`; Python sees the cdef parts of `headers` and what they include."""
    ffi = FFI()
    ordered = with_includes(headers)
    for header in ordered:
        for text in CDEF.findall(header.read_text()):
            ffi.cdef(text)
    ffi.set_source(
        name,
        "".join(f'#include "{h.relative_to(HERE).as_posix()}"\n' for h in ordered),
        sources=[os.path.relpath(s, ROOT) for s in sorted(sources)],
        depends=[os.path.relpath(h, ROOT) for h in sorted(HERE.rglob("*.h"))],
        include_dirs=["csrc"],
        extra_compile_args=FLAGS,
    )
    return ffi


def linked(folder):
    """The sources of a behaviour: its own, and beside each header of behaviours/ that they include its .c, if any."""
    files = with_includes(folder.glob("*.c"))
    shared = {f.with_suffix(".c") for f in files if f.parent == HERE / "behaviours"}
    return [f for f in files if f.suffix == ".c"] + [c for c in sorted(shared) if c.exists()]


KERNEL = [HERE / folder for folder in ("flit", "stages", "endpoints")]
kernel = module(
    "chipweave._kernel", [c for folder in KERNEL for c in folder.rglob("*.c")], [h for f in KERNEL for h in public(f)]
)
MODULES = ["kernel"]
for _folder in sorted(p for p in (HERE / "behaviours").iterdir() if p.is_dir()):
    globals()[_folder.name] = module(f"chipweave._c_{_folder.name}", linked(_folder), public(_folder))
    MODULES.append(_folder.name)
for _source in sorted((HERE / "policies").glob("*.c")):
    globals()[_source.stem] = module(f"chipweave._c_{_source.stem}", [_source], [_source.with_suffix(".h")])
    MODULES.append(_source.stem)
