/* flit/source.c -- endpoints: messages wait for their time, are cut into packets, sent flit by flit, and delivered.
 *
 * A message passes three places: the calendar (a heap by time) until its time has come, the queue of its source
 * (one for each traffic class of an endpoint), and the head of that queue, from where its flits are sent. The time in
 * the queue counts in its latency. At the other end the message has arrived with its last packet's tail; arrivals of
 * one cycle are reported by endpoint, in whatever order the routers came upon them. */
#include "flit/source.h"
#include "flit/leaves.h"
#include "flit/router/route.h"
#include "flit/trail.h"

#include <stdlib.h>
#include <string.h>

/* Twice as many records of messages as before; 0 without memory. */
int noc_more_messages(struct noc_state *net)
{
    const uint32_t room = net->msg_room ? 2 * net->msg_room : 1024;
    struct noc_msg *grown = realloc(net->msg, room * sizeof *grown);
    if (!grown)
        return 0;
    net->held += (room - net->msg_room) * sizeof *grown;
    for (uint32_t i = net->msg_room; i < room; i++)
        grown[i].next = i + 1 < room ? i + 1 : NOC_NO_MSG;
    net->msg = grown;
    net->msg_free = net->msg_room;
    net->msg_room = room;
    return 1;
}

/* By time, then in the order of sending. */
static int sooner(const struct noc_later *a, const struct noc_later *b)
{
    return a->ctime != b->ctime ? a->ctime < b->ctime : a->seq < b->seq;
}

/* The calendar of messages to come: a binary heap by time, then by order of sending. */
static int later_push(struct noc_state *net, uint32_t msg)
{
    if (net->later_n == net->later_room) {
        uint32_t room = net->later_room ? 2 * net->later_room : 1024;
        struct noc_later *grown = realloc(net->later, room * sizeof *grown);
        if (!grown)
            return noc_fail(net, NOC_NO_MEMORY, "no memory for the calendar of messages");
        net->held += (room - net->later_room) * sizeof *grown;
        net->later = grown;
        net->later_room = room;
    }
    struct noc_later entry = {net->msg[msg].ctime, net->seq++, msg};
    uint32_t at = net->later_n++;
    for (; at && sooner(&entry, &net->later[(at - 1) / 2]); at = (at - 1) / 2)
        net->later[at] = net->later[(at - 1) / 2];
    net->later[at] = entry;
    return 0;
}

/* The message whose time comes first. */
static uint32_t later_pop(struct noc_state *net)
{
    uint32_t msg = net->later[0].msg, at = 0, n = --net->later_n;
    struct noc_later last = net->later[n];
    for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && sooner(&net->later[child + 1], &net->later[child]))
            child++;
        if (!sooner(&net->later[child], &last))
            break;
        net->later[at] = net->later[child];
    }
    net->later[at] = last;
    return msg;
}

/* Messages whose time has come join the queues of their sources. A parked group that one of them would change comes
 * back first. */
void noc_release_due(struct noc_state *net)
{
    while (net->later_n && net->later[0].ctime <= net->now) {
        if (net->watch)
            net->watch->starts(net, net->later[0].msg);
        noc_queue(net, later_pop(net));
    }
}

/* All messages are checked before the first is taken, so that a call that fails has sent nothing. */
int noc_send(struct noc_state *net, const struct noc_send *messages, int count)
{
    for (int i = 0; i < count; i++) {
        const struct noc_send *s = &messages[i];
        if (s->src < 0 || s->src >= net->c.endpoints || s->dst < 0 || s->dst >= net->c.endpoints || s->flits < 1 ||
            s->packet_flits < 1 || s->vc_class < 0 || s->vc_class >= net->c.vc_classes)
            return noc_fail(net, NOC_BAD_CONFIG, "a message has an endpoint, size or class out of range");
        int32_t packet = (uint64_t)s->packet_flits > s->flits ? (int32_t)s->flits : s->packet_flits;
        if (net->c.cut_through && packet > net->c.vc_depth)
            return noc_fail(net, NOC_BAD_CONFIG, "cut-through: a packet is larger than a VC's buffer");
    }
    for (int i = 0; i < count; i++) {
        const struct noc_send *s = &messages[i];
        uint32_t id = noc_new_message(net);
        if (id == NOC_NO_MSG)
            return noc_fail(net, NOC_NO_MEMORY, "no memory for messages");
        struct noc_msg *m = &net->msg[id];
        int32_t packet = (uint64_t)s->packet_flits > s->flits ? (int32_t)s->flits : s->packet_flits;
        *m = (struct noc_msg){.tag = s->tag,
                              .ctime = s->ctime,
                              .itime = UINT64_MAX,
                              .flits_left = s->flits,
                              .packets_left = (s->flits + (uint64_t)packet - 1) / (uint64_t)packet,
                              .flits = s->flits,
                              .src = s->src,
                              .dst = s->dst,
                              .packet_flits = packet,
                              .column = (uint16_t)noc_column(net, s->src, s->dst, net->c.spread != NOC_BY_PACKET),
                              .vc_class = (int8_t)s->vc_class};
        net->pending++;
        int status = later_push(net, id);
        if (status)
            return status;
    }
    return 0;
}

/* A message in the order of what is to be collected: of one cycle by endpoint, in whatever order the engine came upon
 * them. */
static void report_arrival(struct noc_state *net, const struct noc_arrival *arrival)
{
    if (net->done_n == net->done_room) {
        uint64_t room = net->done_room ? 2 * net->done_room : 1024;
        struct noc_arrival *grown = malloc(room * sizeof *grown);
        if (!grown) { /* an arrival must not be lost: stop here with a message */
            noc_fail(net, NOC_NO_MEMORY, "no memory for arrivals");
            abort();
        }
        for (uint64_t i = 0; i < net->done_n; i++)
            grown[i] = net->done[(net->done_first + i) % net->done_room];
        free(net->done);
        net->held += (room - net->done_room) * sizeof *grown;
        net->done = grown;
        net->done_first = 0;
        net->done_room = room;
    }
    uint64_t at = net->done_n++;
    for (; at; at--) {
        const struct noc_arrival *before = &net->done[(net->done_first + at - 1) % net->done_room];
        if (before->atime < arrival->atime || (before->atime == arrival->atime && before->dst < arrival->dst))
            break;
        net->done[(net->done_first + at) % net->done_room] = *before;
    }
    net->done[(net->done_first + at) % net->done_room] = *arrival;
}

/* A packet's tail has arrived; its message is reported when it was the last one. */
void noc_deliver(struct noc_state *net, uint32_t id, unsigned hops, uint64_t atime)
{
    struct noc_msg *m = &net->msg[id];
    if (--m->packets_left)
        return;
    net->pending--;
    if (net->watch)
        net->watch->ended(net, id);
    if (net->trail)
        noc_trail_ended(net, id);
    report_arrival(
        net, &(struct noc_arrival){m->tag, m->ctime, m->itime, atime, m->src, m->dst, (int32_t)hops, m->vc_class});
    m->next = net->msg_free;
    net->msg_free = id;
}

/* Only arrivals of cycles that have been run: later ones are known already, as departures are reported when they
 * leave the router. */
int noc_collect(struct noc_state *net, struct noc_arrival *out, int room)
{
    int n = 0;
    while (n < room && net->done_n && net->done[net->done_first].atime < net->now) {
        out[n++] = net->done[net->done_first];
        net->done_first = (net->done_first + 1) % net->done_room;
        net->done_n--;
    }
    if (!net->done_n || net->done[net->done_first].atime >= net->now)
        net->stopped_arrivals = 0;
    return n;
}

/* The first VC of `mask`, tried in turn from number `first` on, that is free and has room for `need` flits; -1:
 * none. */
NOC_INLINE int first_vc(const struct noc_state *net, uint32_t gp, uint32_t mask, unsigned first, int need)
{
    const struct noc_output_vc *out = noc_output_vc(net, (size_t)gp << net->vc_bits);
    const uint32_t free_mask = noc_output_port(net, gp)->free_mask & mask;
    for (uint32_t left = noc_rotated(free_mask, first); left; left &= left - 1) {
        const unsigned vc = ((unsigned)__builtin_ctz(left) + first) & 31;
        if (out[vc].credits >= need)
            return (int)vc;
    }
    return -1;
}

/* The n lowest bits. */
static inline uint32_t low_bits(int n) { return n >= 32 ? ~0u : (1u << n) - 1; }

/* noq: VCs are cut by the output port the packet takes at the first router. */
static void noq_range(struct noc_state *net, uint32_t gp, const struct noc_msg *m, int *first, int *count)
{
    struct noc_flit f = {0, m->column, 0};
    uint32_t terminal = noc_output_port(net, gp)->dst >> net->vc_bits, router = terminal >> net->port_bits;
    unsigned port = noc_route(net, router, terminal & ((1u << net->port_bits) - 1), &f, 0);
    *count /= net->ports[router];
    *first += (int)port * *count;
}

/* First VC after the last one used that is free and has room; -1 where there is none. A source that used none of its
 * VCs yet takes their first or none. */
static inline int choose_vc(struct noc_state *net, uint32_t gp, const struct noc_source *s, const struct noc_msg *m)
{
    int count = net->c.vcs / net->c.vc_classes, first = m->vc_class * count, need = 1;
    if (net->c.noq)
        noq_range(net, gp, m, &first, &count);
    if (net->c.cut_through)
        need = m->flits_left < (uint64_t)m->packet_flits ? (int)m->flits_left : m->packet_flits;
    const int fresh = s->last_vc < first || s->last_vc >= first + count;
    return first_vc(net, gp, (fresh ? 1u : low_bits(count)) << first, fresh ? 0 : (unsigned)s->last_vc + 1, need);
}

/* Priority of the next flit of a source: more is sooner. */
static int64_t flit_priority(const struct noc_state *net, const struct noc_source *s)
{
    const struct noc_msg *m = &net->msg[s->head];
    return net->c.priority == NOC_AGE ? -(int64_t)m->ctime : net->c.priority == NOC_CLASS ? -m->vc_class : 0;
}

/* Its last flit is out: the source turns to its next message. */
static inline void next_message(struct noc_state *net, uint32_t e, struct noc_source *s)
{
    s->head = net->msg[s->head].next;
    if (net->watch)
        net->watch->changed(net, e);
    if (net->watch && s->head != NOC_NO_MSG)
        net->watch->started(net, s->head);
}

/* One flit of the packet in hand; a head takes its VC, a tail gives it back. */
static inline void send_flit(struct noc_state *net, uint32_t e, struct noc_source *s)
{
    uint32_t gp = net->router_ports + e, id = s->head;
    struct noc_output_port *p = noc_output_port(net, gp);
    struct noc_msg *m = &net->msg[id];
    struct noc_output_vc *out = noc_output_vc(net, ((size_t)gp << net->vc_bits) + (uint8_t)s->vc);
    if (!s->left) {
        s->left = m->flits_left < (uint64_t)m->packet_flits ? (int32_t)m->flits_left : m->packet_flits;
        p->free_mask &= ~(1u << s->vc);
        s->last_vc = s->vc;
        if (m->itime == UINT64_MAX)
            m->itime = net->now;
        if (net->c.spread == NOC_BY_PACKET)
            m->column = (uint16_t)noc_column(net, m->src, m->dst, 1);
    }
    m->flits_left--;
    s->left--;
    out->credits--;
    out->flits++;
    if (net->c.flows)
        noc_flow_passed(net, gp, id);
    net->injected++;
    struct noc_flit f = {id, m->column, (uint16_t)(s->left ? 0 : NOC_TAIL)};
    noc_put_flit(net, p->flit_delay, p->dst + (uint8_t)s->vc, f, (uint32_t)net->now);
    if (s->left)
        return;
    if (net->c.wait_for_tail_credit)
        p->tail_sent |= 1u << s->vc;
    else
        p->free_mask |= 1u << s->vc;
    s->vc = -1;
    if (!m->flits_left)
        next_message(net, e, s);
}

/* At most one flit of one class: classes in turn, higher priorities first. */
static int inject_one(struct noc_state *net, uint32_t e)
{
    const int classes = net->c.vc_classes;
    struct noc_source *const own = &net->source[(size_t)e * (size_t)classes];
    const uint32_t gp = net->router_ports + e;
    const struct noc_output_vc *out = noc_output_vc(net, (size_t)gp << net->vc_bits);
    int chosen = -1, turns = classes, waiting = 0;
    int64_t best = 0;
    const int last = net->last_class[e];
    if (net->c.hold_switch_for_packet && own[last].left && out[own[last].vc].credits) {
        chosen = last;
        best = flit_priority(net, &own[last]);
        turns--;
    }
    for (int i = 1; i <= turns; i++) {
        const int k = last + i >= classes ? last + i - classes : last + i;
        struct noc_source *s = &own[k];
        if (s->head == NOC_NO_MSG)
            continue;
        waiting = 1;
        int64_t priority = flit_priority(net, s);
        if (chosen >= 0 && best >= priority)
            continue;
        if (s->vc < 0)
            s->vc = (int8_t)choose_vc(net, gp, s, &net->msg[s->head]);
        if (s->vc >= 0 && out[s->vc].credits) {
            chosen = k;
            best = priority;
        }
    }
    if (chosen < 0)
        return waiting;
    net->last_class[e] = (uint8_t)chosen;
    send_flit(net, e, &own[chosen]);
    net->moved++;
    for (int k = 0; k < classes; k++)
        if (own[k].head != NOC_NO_MSG)
            return 1;
    return 0;
}

/* send_flit() of a message's last packet, of one flit, which takes VC `vc` and gives it back at once. */
NOC_INLINE void send_lone_flit(struct noc_state *net, uint32_t e, struct noc_source *s, int vc)
{
    struct noc_output_port *p = noc_output_port(net, net->router_ports + e);
    struct noc_msg *m = &net->msg[s->head];
    if (m->itime == UINT64_MAX)
        m->itime = net->now;
    if (net->c.spread == NOC_BY_PACKET)
        m->column = (uint16_t)noc_column(net, m->src, m->dst, 1);
    m->flits_left = 0;
    p->vc[vc].credits--;
    p->vc[vc].flits++;
    net->injected++;
    s->last_vc = (int8_t)vc;
    noc_put_flit(net, p->flit_delay, p->dst + (unsigned)vc, (struct noc_flit){s->head, m->column, NOC_TAIL},
                 (uint32_t)net->now);
    next_message(net, e, s);
}

/* The same where one class leaves nothing to choose between; `any`: it may take any VC that has a credit. */
NOC_INLINE int inject_only(struct noc_state *net, uint32_t e, const int any)
{
    struct noc_source *s = &net->source[e];
    const uint32_t gp = net->router_ports + e;
    if (s->head == NOC_NO_MSG)
        return 0;
    if (s->vc < 0) {
        const int vc = any ? first_vc(net, gp, s->last_vc < 0 ? 1 : ~0u, (unsigned)s->last_vc + 1, 1)
                           : choose_vc(net, gp, s, &net->msg[s->head]);
        if (any && vc >= 0 && net->msg[s->head].flits_left == 1) {
            send_lone_flit(net, e, s, vc);
            net->moved++;
            return s->head != NOC_NO_MSG;
        }
        s->vc = (int8_t)vc;
    }
    if (s->vc < 0 || !noc_output_vc(net, ((size_t)gp << net->vc_bits) + (uint8_t)s->vc)->credits)
        return 1;
    send_flit(net, e, s);
    net->moved++;
    return s->head != NOC_NO_MSG;
}

/* Endpoints that are awake; one with nothing left to send goes to sleep. */
NOC_INLINE void inject_all(struct noc_state *net, const int one_class, const int any)
{
    const uint32_t n = net->awake.n;
    struct noc_request *const at = net->awake.at;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t e = at[i].id;
        if (one_class ? inject_only(net, e, any) : inject_one(net, e))
            at[kept++].id = e;
        else
            net->listed[e] = 0;
    }
    net->awake.n = kept;
}

/* The common case, one class and any VC, has a body of its own. */
void noc_inject(struct noc_state *net)
{
    if (net->c.vc_classes > 1)
        inject_all(net, 0, 0);
    else if (net->c.noq || net->c.cut_through || net->c.wait_for_tail_credit || net->c.flows)
        inject_all(net, 1, 0);
    else
        inject_all(net, 1, 1);
}
