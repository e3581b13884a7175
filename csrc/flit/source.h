/* flit/source.h -- endpoints: messages in, packets out, arrivals kept. */
#ifndef NOC_SOURCE_H
#define NOC_SOURCE_H
#include "flit/state.h"

int noc_more_messages(struct noc_state *net);
void noc_release_due(struct noc_state *net);
void noc_inject(struct noc_state *net);
void noc_deliver(struct noc_state *net, uint32_t msg, unsigned hops, uint64_t atime);

/* A message's record; NOC_NO_MSG without memory. */
static inline uint32_t noc_new_message(struct noc_state *net)
{
    if (net->msg_free == NOC_NO_MSG && !noc_more_messages(net))
        return NOC_NO_MSG;
    const uint32_t id = net->msg_free;
    net->msg_free = net->msg[id].next;
    return id;
}

/* Append a message, whose time has come, to its source's queue. */
static inline void noc_queue(struct noc_state *net, uint32_t msg)
{
    struct noc_msg *m = &net->msg[msg];
    struct noc_source *s = &net->source[m->src * net->c.vc_classes + m->vc_class];
    m->next = NOC_NO_MSG;
    if (s->head != NOC_NO_MSG) {
        net->msg[s->tail].next = msg;
    } else {
        s->head = msg;
        if (net->watch)
            net->watch->started(net, msg);
    }
    s->tail = msg;
    if (!net->listed[m->src]) {
        net->listed[m->src] = 1;
        net->awake.at[net->awake.n++] = (struct noc_request){(uint32_t)m->src, 0};
    }
}
#endif
