"""Are rows of a user's reference told by what they say, where shipped rows have the same ids?"""

import csv

from chipweave.validation.suites import dies, serving


def test_conditions_are_those_of_the_rows_that_were_judged(tmp_path):
    with (serving.FOLDER / "step.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if "MiniMax" in row["conditions"]][:2]
    for row, size in zip(rows, ("0.6B", "32B"), strict=True):
        row["conditions"] = (
            f"model=Qwen/Qwen3-32B; precision=bf16; framework=vllm 0.18.0; tp=4; isl={len(size)}000; osl=64"
        )
    with (tmp_path / "step.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    results = serving.results(tmp_path)
    assert [r.conditions for r in results] == [row["conditions"] for row in rows]
    assert not [line for line in serving.remarks(results) if "MoE models apart" in line]  # these are of a dense model
    assert "Qwen3-32B" in "".join(serving.extra(results))


def test_rows_of_ids_that_are_not_shipped_are_told_too(tmp_path):
    text = (serving.FOLDER / "step.csv").read_text().splitlines()[:3]
    (tmp_path / "step.csv").write_text(
        "\n".join([text[0], *(line.replace("step-", "mine-") for line in text[1:])]) + "\n"
    )
    results = serving.results(tmp_path)
    assert all(r.id.startswith("mine-") for r in results)
    assert any("step, MoE models apart: 2 rows" in line for line in serving.remarks(results))


def size(row):
    return float(row["x_value"])


def test_both_errors_are_of_the_rows_that_were_judged(tmp_path):
    with (dies.FOLDER / "mi300.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["group"] == "amd_latency" and row["device"] == "MI300X"]
    rows = sorted((row for row in rows if "chase" in row["quantity"] and row["role"] == "predicted"), key=size)
    small, large = next(row for row in rows if size(row) > 2000), next(row for row in rows if size(row) > 16000)  # KiB

    def written(path, *some):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, small)
            writer.writeheader()
            writer.writerows(some)
        return dies.extra(dies.results(path))

    here = written(tmp_path / "here.csv", small, large)
    assert "MI300X | amd_latency | 2" in here[-1]
    assert written(tmp_path / "swapped.csv", small | {"id": large["id"]}, large | {"id": small["id"]}) == here
    assert written(tmp_path / "mine.csv", small | {"id": "mine-1"}, large | {"id": "mine-2"}) == here
