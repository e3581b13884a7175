/* flit/router/match.h -- matchers of requests to resources for the general router.
 *
 * An allocator is one file of allocators/, an arbiter one file of arbiters/: a table with a name, registered by the
 * file itself when the module is loaded (NOC_ALLOCATOR, NOC_ARBITER), so that no other file lists it. Python finds it
 * by that name, beside the plain class of chipweave/noc/allocators/ or chipweave/noc/arbiters/ that states its rule.
 *
 * Requests are a list, not a matrix: a router of 5 ports and 4 VCs has 400 pairs and rarely more than ten requests. */
#ifndef NOC_MATCH_H
#define NOC_MATCH_H
#include "flit/flit.h"

#include <stddef.h>

struct noc_match_request {
    int32_t in, out, label;    /* label: what the caller wants back with a grant */
    int64_t in_rank, out_rank; /* more is served first */
};

struct noc_matcher_state {
    struct noc_allocator kind;
    const struct noc_allocator_rule *allocator;
    const struct noc_arbiter_rule *arbiter;
    int32_t inputs, outputs;
    int32_t *in_ptr, *out_ptr; /* index behind the one served last, of each arbiter */
    void *memory;              /* more that the arbiter's rule remembers; freed with the matcher */
    size_t memory_bytes;
    int32_t *in_match, *out_match; /* result of the last noc_match(), -1 = none */
    int32_t *best_in, *best_out;   /* scratch */
    int32_t first;                 /* what the allocator's rule carries from one match to the next */
    int32_t dirty;
};

struct noc_allocator_rule {
    const char *name; /* BookSim 2's, as chipweave/noc/allocators/ has it */
    /* Match; requests may be reordered. Pairs are noted by noc_match_serve(), or in in_match and out_match alone. */
    void (*match)(struct noc_matcher_state *m, struct noc_match_request *requests, int n);
    int coupled; /* flows of one router feel each other without a port in common */
    int fast;    /* flit/router/fast.c matches by this rule; 0: such routers run on general.c */
};

struct noc_arbiter_rule {
    const char *name;
    int (*open)(struct noc_matcher_state *m); /* makes `memory`: 0 or NOC_NO_MEMORY; NULL: none */
    /* Place of an index in an arbiter's order of service: of equal priorities the least is served first. */
    uint64_t (*turn)(const struct noc_matcher_state *m, int at_input, int arbiter, int index);
    void (*serve)(struct noc_matcher_state *m, int in, int out); /* a match has been made; NULL: in_ptr, out_ptr do */
    /* Writes what the arbiter remembers to `out` (skipping compares it): equal numbers, equal future. Returns how
     * many numbers, at most as many as it has indices. */
    size_t (*state)(const struct noc_matcher_state *m, int at_input, int arbiter, uint64_t *out);
    int fast; /* flit/router/fast.c serves by this rule; 0: such routers run on general.c */
};

void noc_register_allocator(const struct noc_allocator_rule *rule);
void noc_register_arbiter(const struct noc_arbiter_rule *rule);

#define NOC_ALLOCATOR(rule) NOC_REGISTERED(noc_register_allocator, rule)
#define NOC_ARBITER(rule)   NOC_REGISTERED(noc_register_arbiter, rule)
#define NOC_REGISTERED(registers, rule)                                                                                \
    static __attribute__((constructor)) void registers##_##rule(void) { registers(&(rule)); }

/* NULL where the number is of none. */
const struct noc_allocator_rule *noc_allocator_rule(int32_t number);
const struct noc_arbiter_rule *noc_arbiter_rule(int32_t number);

int noc_matcher_open(struct noc_matcher_state *m, struct noc_allocator kind, int inputs, int outputs);
void noc_matcher_close(struct noc_matcher_state *m);

/* Match; requests may be reordered. Results in in_match and out_match. */
void noc_match(struct noc_matcher_state *m, struct noc_match_request *requests, int n);

/* Forget the last match. */
void noc_match_clear(struct noc_matcher_state *m);

/* For rules: a match has been made, and the arbiters of both sides move past it. */
void noc_match_serve(struct noc_matcher_state *m, int in, int out);

/* For rules: does request `a` go before `b` at the arbiter of one side? Priority first, then the arbiter's order. */
int noc_match_beats(const struct noc_matcher_state *m, int at_input, const struct noc_match_request *a,
                    const struct noc_match_request *b);
#endif
