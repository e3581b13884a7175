/* stages/flow_sums.h -- bytes sent, by flow: who made which endpoint send to which other.
 *
 *     flow_sums_add      rows of one chain with the number of its sends that have started: kept as (key, bytes)
 *     flow_sums_settle   what was kept since the last one belongs to `group`: it is added to the sums
 *
 * Key of a flow   base + group, then (owner + 1) << 2 * bits, source << bits, target: operands of the row; owner may be
 *                 -1, no operand, which counts as 0. The caller sees to it that fields do not meet.
 * Units.          bytes below 2^63. Errors: -1 without memory, -2 where a sum leaves 64 bits.
 * Twin.           chipweave/plain/flow_sums.py */
#ifndef CHIPWEAVE_FLOW_SUMS_H
#define CHIPWEAVE_FLOW_SUMS_H
#include <stdint.h>

/* cdef: begin */
typedef struct flow_sums flow_sums;

/* A send of a chain: its column of `started`, its key's fields, its size constant + sum(factor * operand). */
typedef struct {
    int64_t base, constant;
    int32_t slot, owner, source, target, n;
    int32_t operand[16];
    int64_t factor[16];
} flow_send;

flow_sums *flow_sums_new(int32_t bits);
void flow_sums_free(flow_sums *sums);
/* rows: [n, operands]; started: [n, slots] */
int flow_sums_add(flow_sums *sums, const flow_send *sends, int32_t n_sends, const int64_t *rows, int64_t n,
                  int32_t operands, const int64_t *started, int32_t slots);
int flow_sums_settle(flow_sums *sums, int64_t group);
/* How many flows there are; their keys and sums, in no order, where there is room for all. */
int64_t flow_sums_all(const flow_sums *sums, int64_t *keys, int64_t *bytes, int64_t room);
/* A link of a route, and the share of a flow's bytes that it carries: ways over it, of how many. */
typedef struct {
    int32_t link, over, ways;
} flow_link;

/* The `top` flows of each link that bring it most bytes, the largest first, of equal ones that of the smaller key:
 * places among `n`, -1 where there are no more, and the bytes they bring, both [links, top].
 * route: of each flow, whose links are links[begin[route]] and on. */
void flow_sums_largest(const int64_t *keys, const int64_t *bytes, int64_t n, const int32_t *route, const int64_t *begin,
                       const flow_link *links, int64_t top, int64_t *found, int64_t *carried);
/* cdef: end */
#endif
