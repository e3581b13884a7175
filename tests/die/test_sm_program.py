"""Are programs of an SM checked before they run, by one declaration, and is a fault of one reported in words?"""

import subprocess
import sys
from dataclasses import fields

import pytest
from small_die import SM, small

from chipweave.errors import BadInput
from chipweave.line_rate import sm_program
from chipweave.line_rate.endpoints import Endpoints
from chipweave.line_rate.sm_program import (
    LAUNCH,
    OPERATIONS,
    Barrier,
    Chase,
    Copy,
    Jump,
    Load,
    Loop,
    Program,
    Store,
    Wait,
    Work,
)

ENGINES = ["kernel", "plain"]


def test_the_classes_are_the_operations_and_operands_of_the_c_table():
    assert {op.__name__: [f.name for f in fields(op)] for op in OPERATIONS} == {
        name: [operand for operand, *_ in operands] for name, operands in sm_program.declared().items()
    }
    codes = [op.code for op in OPERATIONS]
    assert sorted(codes) == list(range(1, 12))


def test_the_defaults_of_every_operation_are_within_their_ranges():
    for op in OPERATIONS:
        if op not in (Jump,):
            assert Program([Work(), op()]).words()[sm_program.lib.SM_KERNEL_WORDS + 10] == op.code


def test_words_are_the_table_that_the_kernel_reads():
    words = Program([Load(4096, lanes=1), Wait()], threads=64, blocks_at_once=2, first=3, step=4, blocks=5).words()
    assert words == [64, 2, 3, 4, 5, 0, 0, 1, 4096, 0, 1 << 40, 0, 0, 8, 8, 1, 0, 4, *[0] * 9]


def test_all_faults_of_operands_are_reported_at_once():
    with pytest.raises(BadInput) as refused:
        Program([Load(lanes=33, bytes=0), Work(-1)]).words()
    assert str(refused.value).splitlines() == [
        "op 0, Load: bytes = 0; allowed: 1 to 16 B",
        "op 0, Load: lanes = 33; allowed: 1 to 32 lanes",
        "op 1, Work: cycles = -1; allowed: 0 to 2305843009213693951 cycles",
    ]


@pytest.mark.parametrize(
    "ops, words",
    [
        ([Loop(1, 2)], "op 0, Loop: to = 1 is no op before it"),
        ([Work(), Jump(2)], "op 1, Jump: to = 2 is no op of this program"),
        ([Wait(), Jump(0)], "op 1, Jump: ops 0 to 1 take no time, so this would never end"),
        ([Load(), Loop(0, 1 << 21)], "op 1, Loop: ops 0 to 1 take no time"),
        ([], "1 to 128 ops"),
        ([Work()] * 129, "1 to 128 ops"),
    ],
)
def test_a_program_that_cannot_run_is_refused(ops, words):
    with pytest.raises(BadInput, match=words):
        Program(ops).words()


@pytest.mark.parametrize(
    "numbers, words",
    [
        ({"threads": 2049}, "at most 64 warps"),
        ({"threads": 0}, "a kernel has"),
        ({"blocks_at_once": 33}, "1 to 32 blocks"),
        ({"step": 0}, "block step = 0"),
        ({"blocks": -1}, "blocks = -1"),
    ],
)
def test_numbers_of_a_kernel_are_within_their_ranges(numbers, words):
    with pytest.raises(BadInput, match=words):
        Program([Work()], **numbers).words()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "op, words",
    [
        ([99, *[0] * 9], "sm: op 0: there is no operation 99"),
        ([4, 1, *[0] * 8], "sm: op 0, Wait: takes 0 operands"),
        ([1, 0, 0, 0, 0, 0, 8, 8, 32, 0], "sm: op 0, Load: block_mod = 0; allowed: 1 to"),
    ],
)
def test_bare_words_are_checked_by_kernel_and_twin(engine, op, words):
    e, sms, *_ = small(engine)
    with pytest.raises(BadInput, match=words):
        e.attach(sms[0], sm_program.KERNEL, [32, 1, 0, 1, 1, 0, 0, *op])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_chase_without_an_order_is_a_fault_in_words(engine):
    e, sms, *_ = small(engine)
    Program([Chase(), Loop(0, 10)], threads=1).attach(e, sms[0])
    e.start(sms[0], LAUNCH)
    with pytest.raises(BadInput, match=r"sm \(endpoint 0\): the program follows a visiting order .* none is attached"):
        e.run()


def with_copies(engine):
    e = Endpoints(8, 8, engine=engine)
    sm = e.add("sm", **SM)
    tma = e.add("tma", clock=10**9, setup_cycles=50, line_cycles=1, lines=8)
    e.wire(sm, "copies", tma, "sm", 1)
    e.attach(tma, 1, [0, 128, 128, 1, 128])
    return e, sm


@pytest.mark.parametrize("engine", ENGINES)
def test_a_copy_by_a_descriptor_that_is_not_there_is_a_fault_in_words(engine):
    e, sm = with_copies(engine)
    Program([Copy(9, bytes=128), Barrier()], threads=1).attach(e, sm)
    e.start(sm, LAUNCH)
    with pytest.raises(
        BadInput, match=r"tma \(endpoint 1\): a program copies by descriptor 9; 1 descriptors are attached"
    ):
        e.run()


@pytest.mark.parametrize("engine", ENGINES)
def test_a_message_to_a_port_without_wires_is_a_fault_in_words(engine):
    e = Endpoints(2, 2, engine=engine)
    sm = e.add("sm", **SM)
    Program([Copy(0, bytes=128), Barrier()], threads=1).attach(e, sm)
    e.start(sm, LAUNCH)
    with pytest.raises(BadInput, match=r'sm \(endpoint 0\): port "copies" has 0 wires'):
        e.run()
    with pytest.raises(BadInput, match="copies"):  # and nothing runs any more
        e.run() if engine == "kernel" else e.core.fail(0, "copies")


def test_too_many_copies_at_a_time_do_not_end_the_process():
    """The fault once ended the process (exit 134); it is an error of the user's, in a process of its own here."""
    code = """
from chipweave.line_rate.endpoints import Endpoints
from chipweave.line_rate.sm_program import LAUNCH, Copy, Program, Work
from chipweave.errors import BadInput
import small_die
e = Endpoints(8, 8)
sm = e.add("sm", **small_die.SM)
tma = e.add("tma", clock=10**9, setup_cycles=50, line_cycles=1, lines=1)
e.wire(sm, "copies", tma, "sm", 1)
e.attach(tma, 1, [0, 128, 128, 1, 128])
Program([Copy(0, bytes=128)] * 100, threads=1024, blocks_at_once=2, blocks=8).attach(e, sm)
e.start(sm, LAUNCH)
try:
    e.run()
except BadInput as error:
    print(error)
"""
    folder = __file__.rsplit("/", 1)[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == "tma (endpoint 1): a program starts more than 256 bulk copies at a time"


def test_a_device_s_number_has_no_default():
    e = Endpoints(1, 1)
    with pytest.raises(BadInput, match="tma needs clock, setup_cycles, line_cycles, lines: a device's numbers"):
        e.add("tma")


def test_an_endpoint_that_is_not_there_is_refused():
    e, *_ = small()
    for call in (lambda: e.start(99, LAUNCH), lambda: e.start(-1, LAUNCH), lambda: e.attach(99, 1, [0])):
        with pytest.raises(BadInput, match="there is no endpoint"):
            call()


def test_a_store_leaves_its_operands_to_load():
    assert Store(64).words()[:2] == [sm_program.lib.SM_OP_STORE, 64]
