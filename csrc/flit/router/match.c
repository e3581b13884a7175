/* flit/router/match.c -- see match.h: the allocators and arbiters that there are, and what they have in common.
 *
 * Arbiters remember whom they served last and move only when a match is made. The same rules as the classes of
 * chipweave/noc/allocators/ and chipweave/noc/arbiters/. */
#include "flit/router/match.h"

#include <stdlib.h>
#include <string.h>

/* Room for more of them than there are names in the literature; a rule beyond it ends the process when it is loaded. */
enum { MOST_RULES = 64 };

/* Names in order, so that numbers do not depend on how the files were linked; a rule begins with its name. */
struct rules {
    const char *const *rule[MOST_RULES];
    int32_t n;
};
static struct rules allocators, arbiters;

/* One more, in its place by name. */
static void add(struct rules *all, const char *const *rule)
{
    if (all->n == MOST_RULES)
        abort();
    int32_t at = all->n++;
    for (; at && strcmp(*all->rule[at - 1], *rule) > 0; at--)
        all->rule[at] = all->rule[at - 1];
    all->rule[at] = rule;
}

/* The number of a name, -1 where there is none. */
static int32_t number(const struct rules *all, const char *name)
{
    for (int32_t i = 0; i < all->n; i++)
        if (!strcmp(*all->rule[i], name))
            return i;
    return -1;
}

/* A file's own call, see NOC_ALLOCATOR. */
void noc_register_allocator(const struct noc_allocator_rule *rule) { add(&allocators, &rule->name); }

/* A file's own call, see NOC_ARBITER. */
void noc_register_arbiter(const struct noc_arbiter_rule *rule) { add(&arbiters, &rule->name); }

/* What struct noc_allocator.matcher holds. */
int noc_allocator_number(const char *name) { return number(&allocators, name); }

/* What struct noc_allocator.arbiter holds. */
int noc_arbiter_number(const char *name) { return number(&arbiters, name); }

/* The rule of a number. */
const struct noc_allocator_rule *noc_allocator_rule(int32_t number)
{
    return number >= 0 && number < allocators.n ? (const void *)allocators.rule[number] : NULL;
}

/* The rule of a number. */
const struct noc_arbiter_rule *noc_arbiter_rule(int32_t number)
{
    return number >= 0 && number < arbiters.n ? (const void *)arbiters.rule[number] : NULL;
}

/* Arbiters of both sides, one for each input and output; NOC_NO_MEMORY. */
int noc_matcher_open(struct noc_matcher_state *m, struct noc_allocator kind, int inputs, int outputs)
{
    const size_t i = (size_t)inputs, o = (size_t)outputs;
    *m = (struct noc_matcher_state){.kind = kind, .inputs = inputs, .outputs = outputs, .dirty = 1};
    m->allocator = noc_allocator_rule(kind.matcher);
    m->arbiter = noc_arbiter_rule(kind.arbiter);
    m->in_ptr = calloc(i, sizeof *m->in_ptr);
    m->out_ptr = calloc(o, sizeof *m->out_ptr);
    m->in_match = calloc(i, sizeof *m->in_match);
    m->out_match = calloc(o, sizeof *m->out_match);
    m->best_in = calloc(i, sizeof *m->best_in);
    m->best_out = calloc(o, sizeof *m->best_out);
    int ok = m->in_ptr && m->out_ptr && m->in_match && m->out_match && m->best_in && m->best_out;
    ok = ok && !(m->arbiter->open && m->arbiter->open(m));
    noc_match_clear(m);
    return ok ? 0 : NOC_NO_MEMORY;
}

/* Free the arbiters. */
void noc_matcher_close(struct noc_matcher_state *m)
{
    void *held[] = {m->in_ptr, m->out_ptr, m->memory, m->in_match, m->out_match, m->best_in, m->best_out};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
}

/* Forget the last match; arbiters stay. */
void noc_match_clear(struct noc_matcher_state *m)
{
    if (!m->dirty || !m->in_match || !m->out_match)
        return;
    for (int i = 0; i < m->inputs; i++)
        m->in_match[i] = -1;
    for (int o = 0; o < m->outputs; o++)
        m->out_match[o] = -1;
    m->dirty = 0;
}

/* See match.h. */
void noc_match_serve(struct noc_matcher_state *m, int in, int out)
{
    m->in_match[in] = out;
    m->out_match[out] = in;
    m->in_ptr[in] = out + 1 == m->outputs ? 0 : out + 1;
    m->out_ptr[out] = in + 1 == m->inputs ? 0 : in + 1;
    if (m->arbiter->serve)
        m->arbiter->serve(m, in, out);
}

/* See match.h. */
int noc_match_beats(const struct noc_matcher_state *m, int at_input, const struct noc_match_request *a,
                    const struct noc_match_request *b)
{
    int64_t rank_a = at_input ? a->in_rank : a->out_rank, rank_b = at_input ? b->in_rank : b->out_rank;
    if (rank_a != rank_b)
        return rank_a > rank_b;
    int arbiter = at_input ? a->in : a->out;
    return m->arbiter->turn(m, at_input, arbiter, at_input ? a->out : a->in) <
           m->arbiter->turn(m, at_input, arbiter, at_input ? b->out : b->in);
}

/* One match by the configured rule. */
void noc_match(struct noc_matcher_state *m, struct noc_match_request *r, int n)
{
    noc_match_clear(m);
    if (!n)
        return;
    m->dirty = 1;
    m->allocator->match(m, r, n);
}
