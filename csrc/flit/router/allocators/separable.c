/* flit/router/allocators/separable.c -- one side picks one request each, then the other side picks among those. */
#include "flit/router/match.h"

/* One side picks one request each, then the other side among those; only full matches move arbiters. */
static void separable(struct noc_matcher_state *m, struct noc_match_request *r, int n, int input_first)
{
    int32_t *first = input_first ? m->best_in : m->best_out, *second = input_first ? m->best_out : m->best_in;
    for (int k = 0; k < n; k++)
        m->best_in[r[k].in] = m->best_out[r[k].out] = -1;
    for (int k = 0; k < n; k++) {
        int32_t *best = &first[input_first ? r[k].in : r[k].out];
        if (*best < 0 || noc_match_beats(m, input_first, &r[k], &r[*best]))
            *best = k;
    }
    for (int k = 0; k < n; k++) {
        if (first[input_first ? r[k].in : r[k].out] != k)
            continue;
        int32_t *best = &second[input_first ? r[k].out : r[k].in];
        if (*best < 0 || noc_match_beats(m, !input_first, &r[k], &r[*best]))
            *best = k;
    }
    for (int k = 0; k < n; k++)
        if (second[input_first ? r[k].out : r[k].in] == k)
            noc_match_serve(m, r[k].in, r[k].out);
}

/* Inputs pick an output each, then outputs an input. */
static void from_inputs(struct noc_matcher_state *m, struct noc_match_request *r, int n) { separable(m, r, n, 1); }

/* The other way round. */
static void from_outputs(struct noc_matcher_state *m, struct noc_match_request *r, int n) { separable(m, r, n, 0); }

static const struct noc_allocator_rule input_first = {"separable_input_first", from_inputs, 0, 1};
static const struct noc_allocator_rule output_first = {"separable_output_first", from_outputs, 0, 0};
NOC_ALLOCATOR(input_first)
NOC_ALLOCATOR(output_first)
