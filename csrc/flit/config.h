/* flit/config.h -- what a configuration may be, and which of the two routers it takes. */
#ifndef NOC_CONFIG_H
#define NOC_CONFIG_H
#include "flit/flit.h"

int noc_config_fault(const struct noc_config *c, char *error); /* 0, or its text is in `error` (256 chars) */
int noc_wants_fast(const struct noc_config *c);
#endif
