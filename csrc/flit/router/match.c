/* flit/router/match.c -- separable, islip and wavefront matchers over a short list of requests.
 *
 * The same rules as chipweave/plain/noc_alloc.py. Requests are a list, not a matrix: a router of 5 ports and 4 VCs has
 * 400 pairs and rarely more than ten requests. Arbiters remember whom they served last, as a pointer (round robin) or
 * as ages (matrix), and move only when a match is made. */
#include "flit/router/match.h"

#include <stdlib.h>

/* Arbiters of both sides, for so many inputs and outputs; NOC_NO_MEMORY. */
int noc_matcher_open(struct noc_matcher_state *m, struct noc_allocator kind, int inputs, int outputs)
{
    const size_t i = (size_t)inputs, o = (size_t)outputs;
    *m = (struct noc_matcher_state){.kind = kind, .inputs = inputs, .outputs = outputs, .dirty = 1};
    m->in_ptr = calloc(i, sizeof *m->in_ptr);
    m->out_ptr = calloc(o, sizeof *m->out_ptr);
    m->in_match = calloc(i, sizeof *m->in_match);
    m->out_match = calloc(o, sizeof *m->out_match);
    m->best_in = calloc(i, sizeof *m->best_in);
    m->best_out = calloc(o, sizeof *m->best_out);
    int ok = m->in_ptr && m->out_ptr && m->in_match && m->out_match && m->best_in && m->best_out;
    if (ok && kind.arbiter == NOC_MATRIX) {
        m->in_age = calloc(i * o, sizeof *m->in_age);
        m->out_age = calloc(i * o, sizeof *m->out_age);
        ok = m->in_age && m->out_age;
        for (size_t k = 0; ok && k < i * o; k++) { /* among the never served the highest index is first */
            m->in_age[k] = o - 1 - k % o;
            m->out_age[k] = i - 1 - k % i;
        }
        m->served = i > o ? i : o;
    }
    noc_match_clear(m);
    return ok ? 0 : NOC_NO_MEMORY;
}

/* Free the arbiters. */
void noc_matcher_close(struct noc_matcher_state *m)
{
    void *held[] = {m->in_ptr, m->out_ptr, m->in_age, m->out_age, m->in_match, m->out_match, m->best_in, m->best_out};
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

/* How late an index is in turn: distance from the pointer, or when it was last served. */
static uint64_t turn(const struct noc_matcher_state *m, int at_input, int arbiter, int index)
{
    int size = at_input ? m->outputs : m->inputs;
    if (m->kind.arbiter == NOC_MATRIX)
        return (at_input ? m->in_age : m->out_age)[(size_t)arbiter * (size_t)size + (size_t)index];
    int distance = index - (at_input ? m->in_ptr : m->out_ptr)[arbiter];
    return (uint64_t)(distance < 0 ? distance + size : distance);
}

/* A match has been made: the arbiters of both sides move past it. */
static void serve(struct noc_matcher_state *m, int in, int out)
{
    m->in_match[in] = out;
    m->out_match[out] = in;
    m->in_ptr[in] = out + 1 == m->outputs ? 0 : out + 1;
    m->out_ptr[out] = in + 1 == m->inputs ? 0 : in + 1;
    if (m->kind.arbiter == NOC_MATRIX) {
        m->in_age[(size_t)in * (size_t)m->outputs + (size_t)out] = ++m->served;
        m->out_age[(size_t)out * (size_t)m->inputs + (size_t)in] = m->served;
    }
}

/* Of two requests at one arbiter: priority first, then whoever comes next in its order. */
static int beats(const struct noc_matcher_state *m, int at_input, const struct noc_match_request *a,
                 const struct noc_match_request *b)
{
    int64_t rank_a = at_input ? a->in_rank : a->out_rank, rank_b = at_input ? b->in_rank : b->out_rank;
    if (rank_a != rank_b)
        return rank_a > rank_b;
    int arbiter = at_input ? a->in : a->out;
    return turn(m, at_input, arbiter, at_input ? a->out : a->in) <
           turn(m, at_input, arbiter, at_input ? b->out : b->in);
}

/* One side picks one request each, then the other side among those; only full matches move arbiters. */
static void separable(struct noc_matcher_state *m, struct noc_match_request *r, int n, int input_first)
{
    int32_t *first = input_first ? m->best_in : m->best_out, *second = input_first ? m->best_out : m->best_in;
    for (int k = 0; k < n; k++)
        m->best_in[r[k].in] = m->best_out[r[k].out] = -1;
    for (int k = 0; k < n; k++) {
        int32_t *best = &first[input_first ? r[k].in : r[k].out];
        if (*best < 0 || beats(m, input_first, &r[k], &r[*best]))
            *best = k;
    }
    for (int k = 0; k < n; k++) {
        if (first[input_first ? r[k].in : r[k].out] != k)
            continue;
        int32_t *best = &second[input_first ? r[k].out : r[k].in];
        if (*best < 0 || beats(m, !input_first, &r[k], &r[*best]))
            *best = k;
    }
    for (int k = 0; k < n; k++)
        if (second[input_first ? r[k].out : r[k].in] == k)
            serve(m, r[k].in, r[k].out);
}

/* How far `at` is ahead of where a pointer stands. */
static int ring_distance(int index, int from, int size) { return index >= from ? index - from : index - from + size; }

/* Request, grant, accept; only the first iteration moves pointers, which is what keeps iSLIP fair. */
static void islip(struct noc_matcher_state *m, const struct noc_match_request *r, int n)
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
                serve(m, r[k].in, r[k].out);
            m->in_match[r[k].in] = r[k].out;
            m->out_match[r[k].out] = r[k].in;
        }
        if (!granted)
            break;
    }
}

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

/* One matcher of the configured kind. */
void noc_match(struct noc_matcher_state *m, struct noc_match_request *r, int n)
{
    noc_match_clear(m);
    if (!n)
        return;
    m->dirty = 1;
    if (m->kind.matcher == NOC_ISLIP)
        islip(m, r, n);
    else if (m->kind.matcher == NOC_WAVEFRONT)
        wavefront(m, r, n);
    else
        separable(m, r, n, m->kind.matcher == NOC_INPUT_FIRST);
}
