/* flit/router/fast_view.h -- the state as the fast router's stages see it: arrays as locals, records by VC. */
#ifndef NOC_FAST_VIEW_H
#define NOC_FAST_VIEW_H
#include "flit/router/route.h"
#include "flit/state.h"

#define INLINE NOC_INLINE

/* The arrays of the state as locals: stores of small integers alias everything, and members would be reloaded. */
struct view {
    char *restrict input_port, *restrict port;
    size_t input_port_size, port_size;
    struct noc_flit *restrict ring;
    struct noc_event *restrict *restrict flit_end;
    uint32_t *restrict *restrict credit_end;
    struct noc_request *restrict contested;
    uint64_t *restrict key;
    uint64_t now;
    uint32_t wheel_mask, vc_mask, port_mask, local, depth;
    int vb, both;
};

/* The input side that a VC belongs to. */
INLINE struct noc_input_port *input_port_of(const struct view *w, uint32_t id)
{
    return (void *)(w->input_port + (id >> w->vb) * w->input_port_size);
}

/* The output side that a VC belongs to. */
INLINE struct noc_output_port *port_of(const struct view *w, uint32_t out)
{
    return (void *)(w->port + (out >> w->vb) * w->port_size);
}

/* An input VC's record. */
INLINE struct noc_input_vc *in_of(const struct view *w, uint32_t id)
{
    return &input_port_of(w, id)->vc[id & w->vc_mask];
}

/* Output VC 0 the head flit `f` in front of `id` goes to, of local numbering. */
INLINE uint32_t route(struct noc_state *net, const struct view *w, uint32_t id, struct noc_flit *f, const int special,
                      const int plain)
{
    if (plain || net->grid_route)
        return noc_grid_route(net, id >> w->both, f->dst);
    return noc_route(net, id >> w->both, (id >> w->vb) & w->port_mask, f, special) << w->vb;
}

/* Global number of the output VC that an input VC holds. */
INLINE uint32_t output_of(const struct view *w, uint32_t id, uint32_t out)
{
    return (id & ~w->local) | (out & (NOC_ACTIVE - 1u));
}
#endif
