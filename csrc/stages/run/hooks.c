/* stages/run/hooks.c -- what the run calls that does not depend on the width of ranks. */
#include "stages/state.h"

/* A batch is complete: its number and time are kept for Python. */
int stages_complete(stages *s, uint32_t batch)
{
    if (reserve32(s, &s->done_batch, &s->done_capacity, s->n_done + 1, sizeof *s->done_batch))
        return -1;
    int64_t *times = realloc(s->done_time, s->done_capacity * sizeof *times);
    if (!times)
        return stages_fail(s, STAGES_NO_MEMORY, "no memory for completions");
    s->done_time = times;
    s->done_batch[s->n_done] = (int32_t)(s->first_batch + batch);
    s->done_time[s->n_done++] = s->base + s->now;
    s->special = 1;
    s->in_flight--;
    return 0;
}

/* The message of a send stage enters its network, which says from when on it may arrive. */
int stages_send(stages *s, uint32_t e)
{
    const struct node *node = s->nodes + s->events[e].node;
    const int64_t *operands = row_of(s, s->events[e].transfer);
    const stages_take *take = node->takes;
    const struct open_network *net = s->networks + take->network;
    s->settled[e] = s->walk.s;
    int sent = net->does.send(net->self, s->base + s->now, e, (int32_t)operands[take->source],
                              (int32_t)operands[take->target], amount_of(&take->bytes, operands));
    if (sent < 0)
        return stages_fail(s, STAGES_BAD, "network %d does not take a message from %lld to %lld", take->network,
                           (long long)operands[take->source], (long long)operands[take->target]);
    int64_t earliest = s->now + !sent; /* 1: it may arrive at this very instant */
    if (earliest < s->quiet)
        s->quiet = earliest;
    s->special = 1;
    return 0;
}

/* `limit`: nothing is sent before. */
int64_t stages_next_arrival(const stages *s, int64_t limit)
{
    int64_t first = NETWORK_NEVER;
    const struct open_network *ahead = NULL;
    for (int32_t i = 0; i < s->n_networks; i++) {
        const struct open_network *net = s->networks + i;
        if (net->does.look_ahead && s->n_ahead == 1) {
            ahead = net;
            continue;
        }
        int64_t time = net->does.next_time(net->self);
        if (time < first)
            first = time;
    }
    if (ahead) {
        int64_t bound = limit < NETWORK_NEVER - s->base && limit + s->base < first ? limit + s->base : first;
        int64_t time = ahead->does.look_ahead(ahead->self, bound);
        if (time < first)
            first = time;
    }
    return first == NETWORK_NEVER ? first : first - s->base;
}
