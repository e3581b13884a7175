"""Does a check start every run that could be refused, and no run that would go the way of one before?"""

from chipweave.components.global_cp import GlobalCp
from chipweave.errors import BadInput
from chipweave.run import check, simulate
from chipweave.run.job import job_of


def found_in(strategies, monkeypatch, begin=GlobalCp.begin):
    """(runs started, faults) of a check of wafer_5x5 under strategies."""
    started, stage = [], simulate.stage

    def counted(spec, *rest, **named):
        started.append(spec.strategy)
        return stage(spec, *rest, **named)

    monkeypatch.setattr(simulate, "stage", counted)
    monkeypatch.setattr(GlobalCp, "begin", begin)
    job = job_of(None, {"topology": "wafer_5x5", "strategies": strategies, "preset": "artifact"})
    _, found = check.check(job.spec, job.strategies, job.link_models, check.small_model(), False, job.system)
    return started, [str(fault) for fault in found.faults]


def test_strategies_that_differ_in_what_a_start_does_not_read_are_started_once(monkeypatch):
    # placement and replacement are one and the same; prediction is read, and there are two
    assert found_in("base,ep,allo,pred,allo+pred", monkeypatch) == (["base", "pred"], [])


def test_a_part_that_reads_a_policy_is_asked_for_each(monkeypatch):
    whole = GlobalCp.begin

    def begin(self, simulation, run):
        whole(self, simulation, run)
        if run.policies.allocation.kind == "allocation.home":
            raise BadInput("not on this wafer")

    started, faults = found_in("base,ep,allo,pred", monkeypatch, begin)
    assert started == ["base", "ep", "allo", "pred"] and faults == ["not on this wafer"]


def test_other_presets_and_stores_are_started(monkeypatch):
    assert found_in("pred,pred-hbm", monkeypatch) == (["pred", "pred-hbm"], [])
