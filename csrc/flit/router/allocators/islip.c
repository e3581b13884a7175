/* flit/router/allocators/islip.c -- outputs grant, inputs accept, in several rounds. */
#include "flit/router/match.h"

/* How far an index is ahead of where a pointer stands. */
static int ring_distance(int index, int from, int size) { return index >= from ? index - from : index - from + size; }

/* Request, grant, accept; only the first iteration moves pointers, which is what keeps iSLIP fair. */
static void islip(struct noc_matcher_state *m, struct noc_match_request *r, int n)
{
    for (int round = 0; round < m->kind.iterations; round++) {
        int granted = 0;
        for (int k = 0; k < n; k++)
            m->best_in[r[k].in] = m->best_out[r[k].out] = -1;
        for (int k = 0; k < n; k++) {
            if (m->in_match[r[k].in] >= 0 || m->out_match[r[k].out] >= 0)
                continue;
            int32_t *best = &m->best_out[r[k].out], from = m->out_ptr[r[k].out];
            if (*best < 0 || ring_distance(r[k].in, from, m->inputs) < ring_distance(r[*best].in, from, m->inputs))
                *best = k;
        }
        for (int k = 0; k < n; k++) {
            if (m->best_out[r[k].out] != k)
                continue;
            int32_t *best = &m->best_in[r[k].in], from = m->in_ptr[r[k].in];
            if (*best < 0 || ring_distance(r[k].out, from, m->outputs) < ring_distance(r[*best].out, from, m->outputs))
                *best = k;
        }
        for (int k = 0; k < n; k++) {
            if (m->best_in[r[k].in] != k)
                continue;
            granted = 1;
            if (round == 0)
                noc_match_serve(m, r[k].in, r[k].out);
            m->in_match[r[k].in] = r[k].out;
            m->out_match[r[k].out] = r[k].in;
        }
        if (!granted)
            break;
    }
}

static const struct noc_allocator_rule rule = {"islip", islip, 0, 0};
NOC_ALLOCATOR(rule)
