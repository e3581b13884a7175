"""Kernel-level models of a GPU die: tiles and waves of a GEMM, fused MoE layers, the launch path. Pure functions, no
simulation state."""
