/* flit/router/arbiters/matrix.c -- least recently served first; among the never served the highest index. */
#include "flit/router/match.h"

#include <stdlib.h>

/* When each pair was last served: [inputs][outputs], then [outputs][inputs]. */
struct ages {
    uint64_t served, age[];
};

/* When each index of an arbiter was last served; those of one side stand one behind the other. */
static uint64_t *ages_of(const struct noc_matcher_state *m, int at_input, int arbiter)
{
    struct ages *a = m->memory;
    const size_t i = (size_t)m->inputs, o = (size_t)m->outputs;
    return at_input ? a->age + (size_t)arbiter * o : a->age + i * o + (size_t)arbiter * i;
}

/* Among the never served the highest index is first. */
static int open(struct noc_matcher_state *m)
{
    const size_t i = (size_t)m->inputs, o = (size_t)m->outputs;
    m->memory_bytes = sizeof(struct ages) + 2 * i * o * sizeof(uint64_t);
    struct ages *a = m->memory = calloc(1, m->memory_bytes);
    if (!a)
        return NOC_NO_MEMORY;
    for (size_t k = 0; k < i * o; k++) {
        ages_of(m, 1, 0)[k] = o - 1 - k % o;
        ages_of(m, 0, 0)[k] = i - 1 - k % i;
    }
    a->served = i > o ? i : o;
    return 0;
}

/* When it was last served. */
static uint64_t turn(const struct noc_matcher_state *m, int at_input, int arbiter, int index)
{
    return ages_of(m, at_input, arbiter)[index];
}

/* Both sides note the same time. */
static void serve(struct noc_matcher_state *m, int in, int out)
{
    ages_of(m, 1, in)[out] = ages_of(m, 0, out)[in] = ++((struct ages *)m->memory)->served;
}

/* The indices in the order in which they were last served: ages differ, so an index stands behind the older ones. */
static size_t state(const struct noc_matcher_state *m, int at_input, int arbiter, uint64_t *out)
{
    const uint64_t *age = ages_of(m, at_input, arbiter);
    const size_t size = (size_t)(at_input ? m->outputs : m->inputs);
    for (size_t i = 0; i < size; i++) {
        size_t before = 0;
        for (size_t k = 0; k < size; k++)
            before += age[k] < age[i];
        out[before] = i;
    }
    return size;
}

static const struct noc_arbiter_rule matrix = {"matrix", open, turn, serve, state, 0};
NOC_ARBITER(matrix)
