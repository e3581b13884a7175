/* command_processor.h: the front end of a GPU: launches one after the other, their blocks announced to all SMs, then
 * their end awaited.
 *
 *   submit (timer) --call_ps--> queue --> start: port "sms", a lane an SM, `deal_cycles` apart --> SMs run their
 *   blocks
 *                                 ^                                                              |
 *                                 +--- gap_ps, once every SM says that its blocks and stores are done
 *
 * A launch is a number of blocks; each SM knows from its own kernel table which of them are its. */
#ifndef CHIPWEAVE_COMMAND_PROCESSOR_H
#define CHIPWEAVE_COMMAND_PROCESSOR_H
#include "behaviour.h"

/* cdef: begin */
extern cw_behaviour cw_command_processor;

#define COMMAND_SUBMIT 1 /* timer code: the host's call of a launch; data: blocks */
/* cdef: end */

#endif
