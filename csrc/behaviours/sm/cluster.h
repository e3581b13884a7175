/* behaviours/sm/cluster.h: shared memory of the cluster, bulk copies, mbarriers.
 *
 * Another SM's shared memory is reached over port "cluster"; the target SM answers with a wavefront of its own
 * load-store unit a line. A message there says in its address where it goes: rank of the target << 48 | rank of the
 * source << 32 | offset; its tag is the caller() that waits. A bulk copy is a word to the engine at port "copies"; what
 * that engine asks for goes over this SM's port to memory, as loads do, and each line that comes back takes a
 * wavefront. */
#ifndef CHIPWEAVE_SM_CLUSTER_H
#define CHIPWEAVE_SM_CLUSTER_H
#include "behaviours/sm/state.h"

#define OF_COPIES (1ull << 63) /* in the tag of a request that the engine of bulk copies made */

int sm_shared(struct sm *s, struct warp *w, const int64_t *op);
int sm_from_cluster(struct sm *s, const cw_message *m);
void sm_copy(struct sm *s, const struct warp *w, const int64_t *op);
void sm_from_copies(struct sm *s, const cw_message *m);
void sm_answer_copies(struct sm *s, const cw_message *m);
#endif
