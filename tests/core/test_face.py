"""Does `import chipweave as cw` give all a user needs, and nothing before it is needed?"""

import subprocess
import sys

import pytest

import chipweave as cw

FAST_MS, HELP_MS = 150, 300


def test_every_name_of_the_face_is_there():
    for name in cw.__all__:
        assert getattr(cw, name) is not None, name
    assert set(cw.__all__) <= set(dir(cw))


def test_a_wrong_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Stagged'"):
        _ = cw.Stagged


def test_importing_it_imports_no_other_module_and_no_library():
    code = "import sys; before = set(sys.modules); import chipweave; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {m for m in loaded if m.startswith("chipweave")} == {"chipweave"}
    assert not {"numpy", "networkx", "pyarrow", "yaml"} & set(loaded)


def test_importing_it_is_quick():
    code = "import time; t = time.process_time(); import chipweave; print((time.process_time() - t) * 1000)"
    best = min(float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(3))
    assert best < FAST_MS


def test_help_is_quick():
    code = "import sys, time\nfrom chipweave.__main__ import main\nsys.argv[1:] = ['--help']\ntry: main()\nfinally: "
    code += "print(time.process_time() * 1000, file=sys.stderr)"  # the interpreter's start included
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True) for _ in range(3)]
    assert all("Usage: chipweave" in run.stdout for run in runs)
    assert min(float(run.stderr.split()[-1]) for run in runs) < HELP_MS


@pytest.mark.slow
def test_a_part_and_a_policy_declared_in_a_program_are_loaded_run_and_read(tmp_path):
    from chipweave.components.hbm import Hbm
    from chipweave.declare import registry
    from chipweave.run.compare import report

    try:

        @cw.register("memory.face_hbm")
        class FaceHbm(Hbm):
            """The shipped HBM with a statistic more."""

            seen = cw.Stat("slices", "declared here")

        @cw.register("prediction.face_nothing")
        class Nothing(cw.PredictionPolicy):
            """Predicts nothing."""

            def predict(self, view, plan):
                from chipweave.policy import nothing

                return nothing(view)

        policies = {"placement": "contiguous", "allocation": "home", "replacement": "unbounded"}
        kinds = [(role, f"{role}.{name}") for role, name in {**policies, "prediction": "face_nothing"}.items()]
        spec = cw.RunSpec(batch=16, steps=3, strategy="ep", preset="paper")
        sets = ("die.hbm.kind=memory.face_hbm", "die.hbm.latency=50 us")
        own = spec.with_options(sets=sets, strategy=tuple(kinds))
        assert isinstance(cw.load(own.topology, sets, preset="paper").parts["die[0][0].hbm"], FaceHbm)
        slow, shipped = cw.simulate(own), cw.simulate(spec)
        assert slow.row["decode_time_ns"] > shipped.row["decode_time_ns"]
        assert {name for part, name, *_ in slow.statistics} - {name for part, name, *_ in shipped.statistics} == {
            "seen"
        }
        report(own, [own], [slow.outcome], str(tmp_path / "out"), None)
        results = cw.read_results(tmp_path / "out")
        assert results.rows[0]["decode_time_ns"] == slow.row["decode_time_ns"]
        assert results.layers.num_rows == len(slow.table)
        assert results.statistics.num_rows == len(slow.statistics)
        assert "busy_ps" in results.links.column_names
        assert results.manifest["runs"][0]["run"]["sets"] == list(sets)
    finally:
        registry.components.classes.pop("memory.face_hbm", None)
        registry.policies.classes.pop("prediction.face_nothing", None)


def test_a_class_of_neither_sort_is_refused():
    with pytest.raises(TypeError, match="must derive from a component or from a policy"):
        cw.register("memory.x")(int)


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(cw.BadInput, match="has no result.json"):
        cw.read_results(tmp_path)
    (tmp_path / "result.json").write_text("[1]")
    with pytest.raises(cw.BadInput, match="no JSON object"):
        cw.read_results(tmp_path)
