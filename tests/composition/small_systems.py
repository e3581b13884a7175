"""Texts of topologies that several tests run: two dies, and three with a memory pool; what is compared of a run."""

PAIR = """
extends: wafer
parts: {die: {grid: [1, 2]}}
networks: {d2d: {latency: 100 ns, bandwidth: 10 GB/s}}
"""
MEMORY_POOL = """
extends: wafer
assemblies:
  pool:
    parts:
      hbm: {kind: memory.hbm, bandwidth: 500 GB/s, latency: 600 ns, capacity: 2 TB}
      d2d: {kind: d2d.router, slots: {atu: {kind: d2d.atu}, pdu: {kind: d2d.pdu}}}
    links:
      - {between: [d2d.memory, hbm.access], latency: included}
"""
POOL = (
    MEMORY_POOL
    + """parts:
  die: {grid: [1, 3], override: {"[0][1]": {hbm: {bandwidth: 1 TB/s}}}}
  pool: {assembly: pool}
networks:
  d2d:
    joins: [die.d2d.mesh, pool.d2d.mesh]
    shape: ring
    routing: up_down
"""
)
FIGURES = ("prefill_time_ns", "decode_time_ns", "hops", "local_read_bytes", "remote_read_bytes", "copies")


def figures(outcome):
    """Times and traffic of an outcome's row."""
    return {name: outcome.row[name] for name in FIGURES}
