"""What a served step and a served load cost in CPU seconds: one step of DeepSeek-V3 on eight GPUs after the first
(bar 0.2 s), 10,000 requests on eight GPUs (bar 60 s)."""

import tempfile
import time
from pathlib import Path

from chipweave.serving import serve
from chipweave.serving.setup import setup
from chipweave.serving.step import Batch

STEP_BAR, LOAD_BAR, REPEATS = 0.2, 60.0, 5
RUN = """schema: chipweave.serve_run/1
system: dgx_h200
model: deepseek-v3
parallel: tp=8,ep=8
precision: fp8_block
framework: sglang
requests:
  count: 10000
  arrivals: {closed_loop: 256}
  prompt: {lognormal: [1024, 0.5]}
  output: {uniform: [205, 256]}
server: {step_tokens: 8192, running: 256}
"""


def main():
    made = setup("dgx_h200", "deepseek-v3", "tp=8,ep=8", "fp8_block", "sglang")
    made.step(Batch(64, 4096))
    seconds = []
    for i in range(REPEATS):  # other contexts and batches: no result is looked up whole
        start = time.process_time()
        made.step(Batch(65 + i, 4097 + 128 * i))
        seconds.append(time.process_time() - start)
    print(f"a step of DeepSeek-V3 on 8 GPUs after the first: {max(seconds):.3f} s CPU at most, bar {STEP_BAR} s")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "run.yaml"
        file.write_text(RUN)
        start = time.process_time()
        serve.play(serve.read(str(file)))
        used = time.process_time() - start
    print(f"10,000 requests to DeepSeek-V3 on 8 GPUs: {used:.1f} s CPU, bar {LOAD_BAR:.0f} s")
