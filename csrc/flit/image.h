/* flit/image.h -- a network of flits in which nothing is on its way, as bytes (stages/image.h). */
#ifndef NOC_IMAGE_H
#define NOC_IMAGE_H
#include "flit/state.h"
#include "stages/image.h"

void noc_image(struct noc_state *net, struct image *m);
void noc_links_image(struct noc_state *net, struct image *m);   /* flit/counters.c */
void noc_general_image(struct noc_state *net, struct image *m); /* flit/router/general_image.c */
#endif
