/* flit/skip/report.c -- what was skipped, and which stretches did not recur. */
#include "flit/skip/state.h"

#include <string.h>

/* The present regime of a group is over; was it stepped to its end? The longest such stretches are kept. */
void noc_note_unrepeated(struct noc_state *net, const struct noc_group *g)
{
    struct noc_skip *s = net->skip;
    const uint64_t cycles = net->now - g->begun;
    if (g->recurred || cycles < NOC_BULK || !g->n_msgs)
        return;
    uint32_t at = s->n_longest < NOC_UNREPEATED ? s->n_longest++ : NOC_UNREPEATED;
    for (; at && s->longest[at - 1].cycles < cycles; at--)
        if (at < NOC_UNREPEATED)
            s->longest[at] = s->longest[at - 1];
    if (at == NOC_UNREPEATED)
        return;
    struct noc_unrepeated *u = &s->longest[at];
    *u = (struct noc_unrepeated){g->begun, cycles, (int32_t)g->n_msgs, g->given_up, {-1, -1, -1, -1}, {-1, -1, -1, -1}};
    for (uint32_t i = 0; i < 4 && i < g->n_msgs; i++) {
        u->src[i] = net->msg[g->msgs[i]].src;
        u->dst[i] = net->msg[g->msgs[i]].dst;
    }
}

/* Groups that still live are counted up to now. */
void noc_skip_reported(const struct noc_state *net, struct noc_skip_report *out)
{
    *out = (struct noc_skip_report){0, 0, 0, 0, 0, 0, 0};
    if (!net->skip)
        return;
    *out = net->skip->report;
    for (uint32_t i = 0; i < net->skip->n_groups; i++)
        if (net->skip->group[i].used)
            out->group_cycles += net->now - net->skip->group[i].born;
}

/* Copied out; the list is kept sorted as it grows. */
int noc_unrepeated(const struct noc_state *net, struct noc_unrepeated *out)
{
    const uint32_t n = net->skip ? net->skip->n_longest : 0;
    if (n)
        memcpy(out, net->skip->longest, n * sizeof *out);
    return (int)n;
}
