/* flit/image.c -- a network of flits in which nothing is on its way: whose turn it is at each arbiter, credits that are
 * still coming back, what links still owe, counters.
 *
 * No flit is in a buffer or on a wire and no message waits, so lists of requests are empty; where one is not, there is
 * no image. Groups that skip hold nothing then: a network that is loaded searches its periods anew. */
#include "flit/image.h"
#include "flit/leaves.h"
#include "flit/skip/skip.h"
#include "flit/source.h"

/* Nothing moves but credits. */
static int still(const struct noc_state *net)
{
    int moving = net->pending || net->later_n || net->done_n || net->awake.n || net->traffic;
    for (uint32_t slot = 0; slot < NOC_FLIT_LISTS(net); slot++)
        moving = moving || net->flit_end[slot] != noc_flits(net, slot);
    for (int i = 0; i < 3; i++)
        moving = moving || net->va[i].n || (i < 2 && net->sa[i].n);
    return !moving;
}

/* Credits on their way, slot by slot. */
static void credits(struct noc_state *net, struct image *m)
{
    for (uint32_t slot = 0; slot <= net->wheel_mask && !m->bad; slot++) {
        uint32_t *const vc = noc_credits(net, slot), n = (uint32_t)(net->credit_end[slot] - vc);
        uint32_t count = n;
        IMAGE_ONE(m, count);
        image_need(m, count <= net->credit_room);
        if (m->bad)
            return;
        net->credit_end[slot] = vc + count;
        IMAGE_ARRAY(m, vc, count);
        for (uint32_t i = 0; m->load && i < count; i++)
            image_need(m, vc[i] < net->all_ports << net->vc_bits);
    }
}

/* Records of messages, all of them free, in the order in which they will be used. */
static void messages(struct noc_state *net, struct image *m)
{
    uint32_t room = net->msg_room;
    IMAGE_ONE(m, room);
    while (m->load && !m->bad && net->msg_room < room)
        image_need(m, noc_more_messages(net));
    image_need(m, net->msg_room == room);
    IMAGE_ONE(m, net->msg_free);
    image_need(m, net->msg_free < room || net->msg_free == NOC_NO_MSG);
    for (uint32_t i = 0; i < room && !m->bad; i++) {
        IMAGE_ONE(m, net->msg[i].next);
        image_need(m, !m->load || net->msg[i].next < room || net->msg[i].next == NOC_NO_MSG);
    }
}

/* Arrays that live as long as the network. */
static void arrays(struct noc_state *net, struct image *m)
{
    const size_t in_vcs = (size_t)net->router_ports << net->vc_bits, out_vcs = (size_t)net->all_ports << net->vc_bits,
                 ends = (size_t)net->c.endpoints;
    image_same(m, in_vcs);
    image_same(m, out_vcs);
    image_put(m, net->input_port, net->router_ports * net->input_port_size);
    image_put(m, net->port, net->all_ports * net->port_size);
    IMAGE_ARRAY(m, net->free_at, net->all_ports);
    IMAGE_ARRAY(m, net->va_arbiter, out_vcs);
    IMAGE_ARRAY(m, net->in_arbiter, net->all_ports);
    IMAGE_ARRAY(m, net->out_arbiter, net->all_ports);
    IMAGE_ARRAY(m, net->stalls, out_vcs);
    IMAGE_ARRAY(m, net->total, out_vcs);
    IMAGE_ARRAY(m, net->source, ends * (size_t)net->c.vc_classes);
    IMAGE_ARRAY(m, net->last_class, ends);
    if (net->pace)
        IMAGE_ARRAY(m, net->pace, net->all_ports);
    if (net->next_way)
        IMAGE_ARRAY(m, net->next_way, ends);
}

/* All of it; see stages/image.h. */
void noc_image(struct noc_state *net, struct image *m)
{
    uint64_t *const counts[] = {&net->now,    &net->steps,    &net->seq,     &net->moved_at,
                                &net->moved,  &net->injected, &net->ejected, &net->stopped_arrivals,
                                &net->bin_end};
    noc_unpark_all(net);
    image_need(m, still(net));
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        image_put(m, counts[i], sizeof *counts[i]);
    if (!m->bad)
        arrays(net, m);
    credits(net, m);
    if (!m->bad)
        messages(net, m);
    if (!m->bad)
        noc_links_image(net, m);
    if (!m->bad && net->general)
        noc_general_image(net, m);
}
