"""Are systems of equal dies what they were while a system was one die repeated?

Hashes of the last such version, but for h100, whose die has been fitted anew since.
"""

import pytest
from click.testing import CliRunner

from chipweave.cli.compare import command
from chipweave.io.strictjson import loads

QWEN = ["--model", "qwen3-30b-a3b", "--trace", "sharegpt-qwen3-30b", "--batch", "64", "--steps", "2"]
# Some dies keep three experts of 64, some two: what room is left for copies differs, and copies have to go.
FULL = "--model deepseek-v2-lite --trace esft-law --batch 256 --steps 20 --strategies pred".split()
FULL += ["--set", "die.hbm.capacity=1.6GB"]
HASHES = [
    ("wafer_5x5", "artifact", QWEN, "79035c9ab2714435661b16c15b6507165567c659af865c654616e1d1ab771f76"),
    ("wafer_8x3", "artifact", QWEN, "150ef7f83123de0f2ec7e6fc8a38b4b02f11b347e09881b8d0d7304b00497a31"),
    ("wafer_5x5", "h100", QWEN, "60a6a26e33f082721a0c7688b503a7db141712236fc778eb409c8b2088b6801f"),
    ("wafer_8x3", "paper", QWEN, "4fc33d7e72c8526f9a436ec34b5f21d0beeacf131aec0ae393c66d66620792a1"),
    ("wafer_5x5", "paper", FULL, "546d2f1327ffc4a5db6f316a076ce49931527f4ec98de80b342b90310b2af282"),
]


@pytest.mark.slow
@pytest.mark.parametrize("topology, preset, options, sha256", HASHES)
def test_equal_dies_give_the_result_they_gave_before_dies_could_differ(topology, preset, options, sha256):
    arguments = ["--topology", topology, "--preset", preset, *options, "--json", "-"]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert loads(done.stdout)["result_sha256"] == sha256
