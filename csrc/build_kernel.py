"""Builds the C code as extension modules through cffi's API mode.

    csrc/*.c                  -> chipweave._kernel     one module: all of the kernel
    csrc/behaviours/NAME.c    -> chipweave._c_NAME     one module each, against the kernel's public headers

The text between the two `cdef` lines of a header is what Python sees; the whole header is what the C compiler
sees, so declarations are written once. A header that needs another's types includes it; the order in which cffi
reads them follows those includes.
"""

import os
import re
from pathlib import Path

from cffi import FFI

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CDEF = re.compile(r"/\* cdef: begin \*/(.*?)/\* cdef: end \*/", re.S)
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
FLAGS = ["-O2", "-std=c11", "-ffp-contract=off", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]


def with_includes(headers):
    """The headers and all they include, each once, included ones first."""
    ordered = []

    def visit(header):
        if header in ordered:
            return
        for name in INCLUDE.findall(header.read_text()):
            for folder in (header.parent, HERE):
                if (folder / name).is_file():
                    visit((folder / name).resolve())
                    break
        if header not in ordered:
            ordered.append(header)

    for header in sorted(headers):
        visit(header)
    return ordered


def module(name, sources, headers, own_headers=None):
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
        include_dirs=["csrc", "csrc/behaviours"],
        extra_compile_args=FLAGS,
    )
    return ffi


def kernel_sources():
    return [p for p in HERE.glob("*.c") if not p.name.startswith("test_")]


MODULES = ["kernel"] + [p.stem for p in sorted((HERE / "behaviours").glob("*.c"))]
kernel = module("chipweave._kernel", kernel_sources(), list(HERE.glob("*.h")))
for _name in MODULES[1:]:
    globals()[_name] = module(
        f"chipweave._c_{_name}", [HERE / "behaviours" / f"{_name}.c"], [HERE / "behaviours" / f"{_name}.h"]
    )
