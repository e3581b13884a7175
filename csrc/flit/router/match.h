/* flit/router/match.h -- matchers of requests to resources for the general router (rules:
 * chipweave/plain/noc_alloc.py). */
#ifndef NOC_MATCH_H
#define NOC_MATCH_H
#include "flit/flit.h"

struct noc_match_request {
    int32_t in, out, label;    /* label: what the caller wants back with a grant */
    int64_t in_rank, out_rank; /* more is served first */
};

struct noc_matcher_state {
    struct noc_allocator kind;
    int32_t inputs, outputs;
    int32_t *in_ptr, *out_ptr;  /* round robin and islip: first index served */
    uint64_t *in_age, *out_age; /* matrix: when the pair was last served, [inputs][outputs], [outputs][inputs] */
    uint64_t served;
    int32_t *in_match, *out_match; /* result of the last noc_match(), -1 = none */
    int32_t *best_in, *best_out, *touched;
    int32_t first; /* wavefront: diagonal served first */
    int32_t dirty;
};

int noc_matcher_open(struct noc_matcher_state *m, struct noc_allocator kind, int inputs, int outputs);
void noc_matcher_close(struct noc_matcher_state *m);

/* Match; requests may be reordered. Results in in_match and out_match. */
void noc_match(struct noc_matcher_state *m, struct noc_match_request *requests, int n);

/* Forget the last match. */
void noc_match_clear(struct noc_matcher_state *m);
#endif
