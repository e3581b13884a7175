/* noc_skip.c -- exact skipping: when the whole state recurs, relative to now, whole periods are advanced at once.
 *
 * Between two changes (a message starts, is sent out, or has arrived) nothing but the state decides what happens next.
 * A reference state is kept at 64, 128, 256 ... cycles after the last change (Brent); a rolling signature of what
 * arrives says when a comparison is worth while; then all bytes are compared, so no hash can deceive. Counters of links
 * and messages then grow by their difference over the period, as often as the shortest message allows.
 */
#include "noc_state.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_WAIT 64
#define LAST_WAIT (1u << 19) /* beyond it the search in this regime is given up */

struct noc_progress { uint64_t flits_left, packets_left; };

struct noc_skip {
    uint32_t *state, *again;      /* the reference, and a state to compare with it */
    size_t room, size;
    uint64_t regime, begun, reference_at, wait, signature, reference_signature, injected, ejected, moved;
    struct noc_counts *counts;
    struct noc_progress *progress; /* per source */
    struct noc_skip_report report;
    int given_up;
};

struct writer { uint32_t *at; size_t n, room; };

static inline void put(struct writer *w, uint64_t x)
{
    if (w->n + 2 <= w->room) {
        w->at[w->n] = (uint32_t)x;
        w->at[w->n + 1] = (uint32_t)(x >> 32);
    }
    w->n += 2;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* A list whose order means nothing: sorted in place of writing. */
static void put_sorted(struct writer *w, uint64_t *scratch, size_t n)
{
    qsort(scratch, n, sizeof *scratch, by_number);
    put(w, n);
    for (size_t i = 0; i < n; i++)
        put(w, scratch[i]);
}

static uint64_t flit_bits(const struct noc_flit *f) { return (uint64_t)f->msg << 32 | (uint64_t)f->dst << 16 | f->bits; }

static void put_vcs(const struct noc_state *net, struct writer *w)
{
    const unsigned depth = (unsigned)net->c.vc_depth;
    for (uint32_t gp = 0; gp < net->all_ports; gp++) {
        const struct noc_port *p = &net->port[gp];
        if (!p->used && gp < net->router_ports && !p->up)
            continue;
        put(w, (uint64_t)p->free_mask << 32 | p->tail_sent);
        put(w, (uint64_t)p->in_ptr << 16 | (uint64_t)p->out_ptr << 8 | p->offset);
        put(w, p->free_at > net->now ? p->free_at - net->now : 0);
        for (int vc = 0; vc < net->c.vcs; vc++) {
            const uint32_t id = (gp << net->vc_bits) + (unsigned)vc;
            put(w, (uint64_t)net->out[id].credits << 16 | net->out[id].va_ptr);
            if (gp >= net->router_ports)
                continue;
            const struct noc_in *v = &net->in[id];
            put(w, (uint64_t)v->count << 32 | (uint64_t)v->out << 16 | v->va_ptr);
            if (v->count)
                put(w, flit_bits(&v->front));
            for (unsigned k = 0; k + 1u < v->count; k++)
                put(w, flit_bits(&net->ring[(size_t)id * depth + (v->pos + k) % depth]));
        }
    }
}

static void put_wires(const struct noc_state *net, struct writer *w, uint64_t *scratch)
{
    for (uint32_t k = 0; k <= net->wheel_mask; k++) {
        const uint32_t slot = (uint32_t)(net->now + k) & net->wheel_mask, n = net->flit_n[slot];
        put(w, n);
        for (uint32_t i = 0; i < n; i++) /* one flit a port: position by VC, then what it is */
            scratch[i] = (uint64_t)net->flit_wheel[(size_t)slot * net->flit_room + i].vc << 32 | i;
        qsort(scratch, n, sizeof *scratch, by_number);
        for (uint32_t i = 0; i < n; i++) {
            put(w, scratch[i] >> 32);
            put(w, flit_bits(&net->flit_wheel[(size_t)slot * net->flit_room + (uint32_t)scratch[i]].flit));
        }
        for (uint32_t i = 0; i < net->credit_n[slot]; i++)
            scratch[i] = net->credit_wheel[(size_t)slot * net->credit_room + i];
        put_sorted(w, scratch, net->credit_n[slot]);
    }
}

/* Flits left of a message sent as one packet are progress, not state; flits left in a packet of a train are state. */
static uint64_t left_in_packet(const struct noc_state *net, const struct noc_source *s)
{
    if (s->head == NOC_NO_MSG || !s->left)
        return 0;
    return net->msg[s->head].flits <= (uint64_t)net->msg[s->head].packet_flits ? 1u << 31 : (uint64_t)s->left;
}

/* The whole state, relative to now. Returns the words needed; nothing is written beyond `room`. */
static size_t write_state(const struct noc_state *net, uint32_t *at, size_t room, uint64_t *scratch)
{
    struct writer w = {at, 0, room};
    put_vcs(net, &w);
    put_wires(net, &w, scratch);
    const struct noc_list *lists[5] = {&net->va[net->now % 3], &net->va[(net->now + 1) % 3], &net->va[(net->now + 2) % 3],
                                       &net->sa[net->now & 1], &net->sa[(net->now + 1) & 1]};
    for (int k = 0; k < 5; k++) {
        for (uint32_t i = 0; i < lists[k]->n; i++)
            scratch[i] = lists[k]->at[i];
        put_sorted(&w, scratch, lists[k]->n);
    }
    for (int e = 0; e < net->c.endpoints; e++) {
        put(&w, (uint64_t)net->last_class[e] << 1 | net->listed[e]);
        for (int k = 0; k < net->c.vc_classes; k++) {
            const struct noc_source *s = &net->source[e * net->c.vc_classes + k];
            put(&w, (uint64_t)s->head << 32 | (uint64_t)(uint8_t)s->vc << 8 | (uint8_t)s->last_vc);
            put(&w, left_in_packet(net, s));
        }
    }
    return w.n;
}

static size_t longest_list(const struct noc_state *net)
{
    const size_t vcs = (size_t)net->flit_room * (size_t)net->c.vcs, credits = net->credit_room;
    return vcs > credits ? vcs : credits;
}

int noc_skip_open(struct noc_state *net)
{
    struct noc_skip *s = net->skip = noc_alloc(net, 1, sizeof *s);
    if (!s)
        return NOC_NO_MEMORY;
    s->counts = noc_alloc(net, (size_t)net->all_ports << net->vc_bits, sizeof *s->counts);
    s->progress = noc_alloc(net, (size_t)(net->c.endpoints * net->c.vc_classes), sizeof *s->progress);
    net->skip_scratch = noc_alloc(net, longest_list(net), sizeof *net->skip_scratch);
    s->wait = FIRST_WAIT;
    return s->counts && s->progress && net->skip_scratch ? 0 : NOC_NO_MEMORY;
}

void noc_skip_close(struct noc_state *net)
{
    struct noc_skip *s = net->skip;
    if (!s)
        return;
    void *held[] = {s->state, s->again, s->counts, s->progress, net->skip_scratch, s};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++)
        free(held[i]);
}

static int remember(struct noc_state *net, struct noc_skip *s)
{
    const size_t need = write_state(net, s->state, s->room, net->skip_scratch);
    if (need > s->room) {
        uint32_t *state = realloc(s->state, 2 * need * sizeof *state);
        if (state)
            s->state = state;
        uint32_t *again = state ? realloc(s->again, 2 * need * sizeof *again) : NULL;
        if (!again)
            return 0; /* no memory: step on, which is always right */
        s->again = again;
        s->room = 2 * need;
        write_state(net, s->state, s->room, net->skip_scratch);
    }
    s->size = need;
    noc_flush(net);
    memcpy(s->counts, net->total, ((size_t)net->all_ports << net->vc_bits) * sizeof *s->counts);
    for (int i = 0; i < net->c.endpoints * net->c.vc_classes; i++) {
        const uint32_t head = net->source[i].head;
        if (head != NOC_NO_MSG)
            s->progress[i] = (struct noc_progress){net->msg[head].flits_left, net->msg[head].packets_left};
    }
    s->injected = net->injected;
    s->ejected = net->ejected;
    s->moved = net->moved;
    s->reference_at = net->now;
    s->reference_signature = s->signature;
    return 1;
}

/* How many periods every message has left, and the next change of the calendar leaves; 0: none. */
static uint64_t periods(const struct noc_state *net, const struct noc_skip *s, uint64_t until)
{
    const uint64_t period = net->now - s->reference_at;
    uint64_t end = net->later_n && net->later[0].ctime < until ? net->later[0].ctime : until;
    uint64_t n = end > net->now ? (end - net->now) / period : 0;
    int moving = 0;
    for (int i = 0; i < net->c.endpoints * net->c.vc_classes; i++) {
        if (net->source[i].head == NOC_NO_MSG)
            continue;
        const struct noc_msg *m = &net->msg[net->source[i].head];
        const uint64_t done = s->progress[i].flits_left - m->flits_left;
        const uint64_t margin = m->flits <= (uint64_t)m->packet_flits ? 2 : 2 * (uint64_t)m->packet_flits;
        if (!done)
            continue;
        moving = 1;
        const uint64_t most = m->flits_left > margin ? (m->flits_left - margin) / done : 0;
        n = most < n ? most : n;
    }
    return moving ? n : 0;
}

/* Slot or list k of `count` becomes k + shift: what is due in so many cycles stays due in so many. */
static int rotate_wheels(struct noc_state *net, uint64_t cycles)
{
    const uint32_t slots = net->wheel_mask + 1, shift = (uint32_t)cycles & net->wheel_mask;
    const size_t flits = (size_t)slots * net->flit_room, credits = (size_t)slots * net->credit_room;
    struct noc_event *f = malloc(flits * sizeof *f);
    uint32_t *c = malloc(credits * sizeof *c), *n = malloc(2 * (size_t)slots * sizeof *n);
    if (!f || !c || !n) {
        free(f);
        free(c);
        free(n);
        return 0;
    }
    for (uint32_t k = 0; k < slots; k++) {
        const uint32_t to = (k + shift) & net->wheel_mask;
        memcpy(f + (size_t)to * net->flit_room, net->flit_wheel + (size_t)k * net->flit_room, net->flit_n[k] * sizeof *f);
        memcpy(c + (size_t)to * net->credit_room, net->credit_wheel + (size_t)k * net->credit_room, net->credit_n[k] * sizeof *c);
        n[to] = net->flit_n[k];
        n[slots + to] = net->credit_n[k];
    }
    free(net->flit_wheel);
    free(net->credit_wheel);
    net->flit_wheel = f;
    net->credit_wheel = c;
    memcpy(net->flit_n, n, slots * sizeof *n);
    memcpy(net->credit_n, n + slots, slots * sizeof *n);
    free(n);
    struct noc_list va[3], sa[2];
    for (unsigned k = 0; k < 3; k++)
        va[(k + cycles) % 3] = net->va[k];
    for (unsigned k = 0; k < 2; k++)
        sa[(k + cycles) % 2] = net->sa[k];
    memcpy(net->va, va, sizeof va);
    memcpy(net->sa, sa, sizeof sa);
    return 1;
}

static void jump(struct noc_state *net, struct noc_skip *s, uint64_t n)
{
    const uint64_t period = net->now - s->reference_at, cycles = n * period;
    if (!rotate_wheels(net, cycles))
        return;
    noc_flush(net);
    noc_links_read(net);
    for (size_t o = 0; o < (size_t)net->all_ports << net->vc_bits; o++) {
        struct noc_counts *t = &net->total[o];
        t->flits += n * (t->flits - s->counts[o].flits);
        t->stalled_credit += n * (t->stalled_credit - s->counts[o].stalled_credit);
        t->stalled_arbitration += n * (t->stalled_arbitration - s->counts[o].stalled_arbitration);
    }
    for (int i = 0; i < net->c.endpoints * net->c.vc_classes; i++) {
        struct noc_source *source = &net->source[i];
        if (source->head == NOC_NO_MSG)
            continue;
        struct noc_msg *m = &net->msg[source->head];
        const uint64_t sent = n * (s->progress[i].flits_left - m->flits_left);
        m->packets_left -= n * (s->progress[i].packets_left - m->packets_left);
        m->flits_left -= sent;
        if (m->flits <= (uint64_t)m->packet_flits && source->left)
            source->left -= (int32_t)sent;
    }
    for (uint32_t p = 0; p < net->all_ports; p++)
        if (net->port[p].free_at > net->now)
            net->port[p].free_at += cycles;
    net->injected += n * (net->injected - s->injected);
    net->ejected += n * (net->ejected - s->ejected);
    net->moved += n * (net->moved - s->moved);
    net->now += cycles;
    noc_links_jumped(net, net->now - cycles);
    net->moved_at = net->now;
    s->report.skipped += cycles;
    s->report.jumps++;
    s->report.longest_period = period > s->report.longest_period ? period : s->report.longest_period;
    s->given_up = 1; /* what is left of this regime is less than a period */
}

static void sign(struct noc_state *net, struct noc_skip *s)
{
    const uint32_t slot = (uint32_t)net->now & net->wheel_mask;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < net->flit_n[slot]; i++) {
        const struct noc_event *e = &net->flit_wheel[(size_t)slot * net->flit_room + i];
        sum += ((uint64_t)e->vc << 32 ^ e->flit.msg) * 0x9e3779b97f4a7c15u >> 7;
    }
    s->signature = (s->signature << 2) + sum;
}

void noc_skip_look(struct noc_state *net, uint64_t until)
{
    struct noc_skip *s = net->skip;
    if (s->regime != net->regime || s->begun > net->now) {
        s->regime = net->regime;
        s->begun = net->now;
        s->wait = FIRST_WAIT;
        s->reference_at = UINT64_MAX;
        s->given_up = 0;
    }
    if (s->given_up)
        return;
    sign(net, s);
    if (s->reference_at != UINT64_MAX && s->signature == s->reference_signature && net->now > s->reference_at &&
        write_state(net, s->again, s->room, net->skip_scratch) == s->size &&
        !memcmp(s->state, s->again, s->size * sizeof *s->state)) {
        const uint64_t n = periods(net, s, until);
        if (n)
            jump(net, s, n);
        else
            s->given_up = 1;
        return;
    }
    if (net->now - s->begun >= s->wait) {
        s->wait *= 2;
        if (s->wait > LAST_WAIT || !remember(net, s)) {
            s->given_up = 1;
            s->report.given_up++;
        }
    }
}

void noc_skip_reported(const struct noc_state *net, struct noc_skip_report *out)
{
    *out = net->skip ? net->skip->report : (struct noc_skip_report){0, 0, 0, 0};
}

uint64_t noc_digest(struct noc_state *net)
{
    uint64_t *scratch = calloc(longest_list(net) + 1, sizeof *scratch), hash = 1469598103934665603u;
    const size_t n = scratch ? write_state(net, NULL, 0, scratch) : 0;
    uint32_t *state = n ? malloc(n * sizeof *state) : NULL;
    if (state)
        write_state(net, state, n, scratch);
    for (size_t i = 0; state && i < n; i++)
        hash = (hash ^ state[i]) * 1099511628211u;
    free(state);
    free(scratch);
    return state ? hash : 0;
}
