/* Edges of a clock in picoseconds: edge n is at n * period / edges ps, rounded, halves up, in lowest terms.
 *
 * `faster`: of a clock that many times as fast. period and edges * faster are under 2^62, so that products with a time
 * fit 128 bits: chipweave/fabric/link_models/flit.py refuses other clocks. */
#ifndef CHIPWEAVE_EDGES_H
#define CHIPWEAVE_EDGES_H
#include <stdint.h>

typedef unsigned __int128 u128;

struct edges {
    uint64_t period, edges;
};

/* Of a clock of numerator / denominator Hz; Euclid's gives the lowest terms. */
static inline struct edges edges_of(int64_t numerator, int64_t denominator)
{
    const uint64_t picoseconds = 1000000u * (uint64_t)1000000u;
    uint64_t a = (uint64_t)numerator, b = picoseconds;
    while (b) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (struct edges){picoseconds / a * (uint64_t)denominator, (uint64_t)numerator / a};
}

/* Time of an edge; INT64_MAX beyond what 64 bits hold. */
static inline int64_t edge_time(struct edges c, uint64_t cycle, uint64_t faster)
{
    const u128 edges = (u128)c.edges * faster, t = ((u128)cycle * c.period * 2 + edges) / (edges * 2);
    return t < (u128)INT64_MAX ? (int64_t)t : INT64_MAX;
}

/* The first cycle whose edge is after `time`. */
static inline uint64_t edge_after(struct edges c, int64_t time, uint64_t faster)
{
    uint64_t cycle = (uint64_t)((u128)(uint64_t)time * c.edges * faster / c.period);
    while (cycle && edge_time(c, cycle - 1, faster) > time)
        cycle--;
    while (edge_time(c, cycle, faster) <= time)
        cycle++;
    return cycle;
}

/* `cycles` * interval / per as ps, rounded down. */
static inline int64_t edges_ps(struct edges c, uint64_t cycles, uint64_t interval, uint64_t per)
{
    return (int64_t)((u128)cycles * interval * c.period / ((u128)c.edges * per));
}
#endif
