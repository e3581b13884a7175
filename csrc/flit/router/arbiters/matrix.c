/* flit/router/arbiters/matrix.c -- least recently served first; among the never served the highest index. */
#include "flit/router/match.h"

#include <stdlib.h>

/* When each pair was last served: [inputs][outputs], then [outputs][inputs]. */
struct ages {
    uint64_t served, age[];
};

/* Ages of the arbiters of one side. */
static uint64_t *side(const struct noc_matcher_state *m, int at_input)
{
    struct ages *a = m->memory;
    return at_input ? a->age : a->age + (size_t)m->inputs * (size_t)m->outputs;
}

/* Among the never served the highest index is first. */
static int open(struct noc_matcher_state *m)
{
    const size_t i = (size_t)m->inputs, o = (size_t)m->outputs;
    struct ages *a = m->memory = calloc(1, sizeof *a + 2 * i * o * sizeof *a->age);
    if (!a)
        return NOC_NO_MEMORY;
    for (size_t k = 0; k < i * o; k++) {
        side(m, 1)[k] = o - 1 - k % o;
        side(m, 0)[k] = i - 1 - k % i;
    }
    a->served = i > o ? i : o;
    return 0;
}

/* When it was last served. */
static uint64_t turn(const struct noc_matcher_state *m, int at_input, int arbiter, int index)
{
    const size_t size = (size_t)(at_input ? m->outputs : m->inputs);
    return side(m, at_input)[(size_t)arbiter * size + (size_t)index];
}

/* Both sides note the same time. */
static void serve(struct noc_matcher_state *m, int in, int out)
{
    const uint64_t now = ++((struct ages *)m->memory)->served;
    side(m, 1)[(size_t)in * (size_t)m->outputs + (size_t)out] = now;
    side(m, 0)[(size_t)out * (size_t)m->inputs + (size_t)in] = now;
}

/* The indices in the order in which they were last served: ages differ, so an index stands behind the older ones. */
static size_t state(const struct noc_matcher_state *m, int at_input, int arbiter, uint64_t *out)
{
    const int size = at_input ? m->outputs : m->inputs;
    for (int i = 0; i < size; i++) {
        size_t before = 0;
        for (int k = 0; k < size; k++)
            before += turn(m, at_input, arbiter, k) < turn(m, at_input, arbiter, i);
        out[before] = (uint64_t)i;
    }
    return (size_t)size;
}

static const struct noc_arbiter_rule matrix = {"matrix", open, turn, serve, state, 0};
NOC_ARBITER(matrix)
