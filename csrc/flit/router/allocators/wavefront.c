/* flit/router/allocators/wavefront.c -- by priority, then diagonal by diagonal; `first`: the diagonal served first. */
#include "flit/router/match.h"

/* Order in which a wavefront reaches two requests: by priority, then by diagonal. */
static int sooner(const struct noc_matcher_state *m, int square, const struct noc_match_request *a,
                  const struct noc_match_request *b)
{
    if (a->out_rank != b->out_rank)
        return a->out_rank > b->out_rank;
    if (a->in_rank != b->in_rank)
        return a->in_rank > b->in_rank;
    int da = (a->in + a->out + square - m->first) % square, db = (b->in + b->out + square - m->first) % square;
    return da != db ? da < db : a->out < b->out;
}

/* Diagonals in order from the one whose turn it is; a request wins where its input and output are both free. */
static void wavefront(struct noc_matcher_state *m, struct noc_match_request *r, int n)
{
    const int square = m->inputs > m->outputs ? m->inputs : m->outputs;
    for (int i = 1; i < n; i++) { /* insertion: lists are short */
        struct noc_match_request x = r[i];
        int k = i;
        for (; k && sooner(m, square, &x, &r[k - 1]); k--)
            r[k] = r[k - 1];
        r[k] = x;
    }
    for (int k = 0; k < n; k++)
        if (m->in_match[r[k].in] < 0 && m->out_match[r[k].out] < 0) {
            m->in_match[r[k].in] = r[k].out;
            m->out_match[r[k].out] = r[k].in;
        }
    m->first = (m->first + 1) % square;
}

static const struct noc_allocator_rule rule = {"wavefront", wavefront, 1, 0};
NOC_ALLOCATOR(rule)
