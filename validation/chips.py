"""The devices that measurements were taken on, as the kernel-level models see them: structure and datasheet only.

SM counts, clocks and memory rates are rows spec-0001 to spec-0014 of the reference table and NVIDIA's datasheets
(H200: 4.8 TB/s; GH200 96 GB: 4,023 GB/s). L2 of H200 and GH200 is the 50 MiB of the shared die: assumed.
"""

from importlib.resources import files

import yaml

from chipweave.kernels.chip import Chip

SXM5 = Chip("H100 SXM5", sms=132, clock_hz=1.98e9, dram_bytes_per_s=3352.3e9)
PCIE = Chip("H100 PCIe", sms=114, clock_hz=1.755e9, dram_bytes_per_s=2039.0e9)
CHIPS = {
    "GH200": Chip("GH200", sms=132, clock_hz=1.98e9, dram_bytes_per_s=4023e9),
    "H200": Chip("H200 SXM", sms=132, clock_hz=1.98e9, dram_bytes_per_s=4800e9),
    "H800 PCIe": PCIE,
    "H100 PCIe": PCIE,
    "H800": SXM5,
    "H100": SXM5,
}
"""Word in a row's device -> die; the first that occurs counts. H800 differs from H100 in its NVLink alone."""

CALIBRATED = files("chipweave.validation") / "calibrated" / "kernels.yaml"
CHIP_FIGURES = ("flop_per_clk", "tensor_clock_hz", "l2_bytes_per_clk", "l2_latency_s", "dram_latency_s", "tma_extra_s",
                "die_memory_bytes_per_s")


def calibrated():
    """{figure: value} of validation/calibrated/kernels.yaml."""
    entries = yaml.safe_load(CALIBRATED.read_text(encoding="utf-8"))
    return {name: entry["value"] for name, entry in entries.items()}


def chip_of(device, figures):
    """The die of a row's device with the calibrated `figures`, or None for a device that is not described."""
    found = next((chip for word, chip in CHIPS.items() if word in device), None)
    return found and found.with_fit(**{k: figures[k] for k in CHIP_FIGURES})
