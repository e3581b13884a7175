/* sm_network.h: the network among the SMs of a GPC, over which they reach one another's shared memory.
 *
 *   SM rank 0 --port "sm", lane 0--+
 *   SM rank 1 --           lane 1--+--> the lane that the address names, `cycles` later
 *   ...
 *
 * It carries what csrc/behaviours/sm/cluster.h sends: requests go to the rank in bits 48 up of the address, answers
 * to the rank in bits 32 to 47. Data queues where it leaves an SM and where it enters one, `port_bytes` in 100 cycles
 * each: SMs that ask one SM share what that one can send. Messages without data have a way of their own and do not
 * wait. */
#ifndef CHIPWEAVE_SM_NETWORK_H
#define CHIPWEAVE_SM_NETWORK_H
#include "behaviour.h"

/* cdef: begin */
extern cw_behaviour cw_sm_network;
/* cdef: end */

#endif
