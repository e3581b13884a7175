"""Can somebody else's C endpoint, built outside the tree against behaviour.h, take the place of ours?"""

import sysconfig
from pathlib import Path

import numpy as np
import pytest
from cffi import FFI
from small_die import LOAD, SM, WAIT, program

from chipweave import fabric
from chipweave.errors import BadInput
from chipweave.line_rate.endpoints import Endpoints, Table

HEADERS = Path(__file__).parents[2] / "csrc"

SOURCE = """
#include "behaviour.h"
typedef struct { cw_host *host; int32_t me; int64_t latency, reads; } fixed;
static const cw_parameter PARAMETERS[] = {{"latency", "ps", "request in to answer out", 70000, 1, 1000000000}};
static const char *const PORTS[] = {"near"};
static const cw_statistic STATISTICS[] = {{"reads", "requests", "answered"}};
static int open_(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{ fixed *f = state; (void)why; f->host = host; f->me = part; f->latency = p[0]; return 0; }
static void receive(void *state, const cw_message *m)
{
    fixed *f = state; cw_message answer = *m; answer.kind = CW_DATA; f->reads++;
    f->host->reply(f->host, f->me, f->latency, m, &answer);
}
static void timer(void *state, int32_t code, uint64_t data) { (void)state; (void)code; (void)data; }
static int64_t statistic(const void *state, int32_t index) { (void)index; return ((const fixed *)state)->reads; }
cw_behaviour lab_memory = {ABI, "lab_memory", PARAMETERS, 1, PORTS, 1, STATISTICS, 1, sizeof(fixed),
                            open_, 0, receive, timer, 0, statistic, 0};
"""


def build(folder, name, abi):
    """A compiled module with the behaviour, as a third party would make it."""
    ffi = FFI()
    text = (HEADERS / "behaviour.h").read_text()
    ffi.cdef(text.split("/* cdef: begin */")[1].split("/* cdef: end */")[0] + "extern cw_behaviour lab_memory;")
    ffi.set_source(name, SOURCE.replace("ABI,", f"{abi},", 1), include_dirs=[str(HEADERS)])
    path = ffi.compile(tmpdir=str(folder))
    spec = __import__("importlib.util").util.spec_from_file_location(name, path)
    module = __import__("importlib.util").util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    assert sysconfig.get_config_var("EXT_SUFFIX")
    return build(tmp_path_factory.mktemp("lab"), "_lab_memory", "CW_ABI")


@pytest.mark.slow
def test_a_third_party_endpoint_answers_our_sm(lab):
    e = Endpoints(8, 8)
    sm = e.add("sm", **{**SM, "clock": 10**9, "slices": 2, "turnaround": 0})
    memory = e.add(Table(lab.ffi, lab.ffi.addressof(lab.lib, "lab_memory")), latency=123_000)
    e.wire(sm, "memory", memory, "near", 1000)
    program(e, sm, [(LOAD, 0, 0, 1, 0, 0, 0, 4, 1, 0), (WAIT,)])
    e.run()
    assert e.now == 1000 + 83_000 + 2 * 1000 + 123_000
    assert e.statistics(memory) == {"reads": 1}
    assert np.all(e.total([sm], "misses") == 1)


def test_another_header_version_is_refused(tmp_path):
    old = build(tmp_path, "_lab_memory_old", fabric.lib.CW_ABI + 1)
    with pytest.raises(BadInput, match="build it again"):
        Table(old.ffi, old.ffi.addressof(old.lib, "lab_memory"))
