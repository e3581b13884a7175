/* How a link model plugs in beside `circuit`: a small table of functions over an opaque self.

       engine --send--> network          at the instant a send stage starts
       engine <-time--- next_time        when the network next does something by itself (NETWORK_NEVER if nothing is on its way)
       engine --------> advance(t)       t never later than next_time; names the messages that have arrived by t, in order

   Times are absolute picoseconds. `message` is the engine's number, given back on arrival. All functions but close and
   next_time return a negative number on failure (no memory, an overflow). The engine closes what it was given. */
#ifndef CHIPWEAVE_NETWORK_H
#define CHIPWEAVE_NETWORK_H
#include <stdint.h>

#define NETWORK_NEVER INT64_MAX

/* cdef: begin */
typedef struct {
    int (*send)(void *self, int64_t now, uint32_t message, int32_t source, int32_t target, int64_t bytes);
    int64_t (*next_time)(void *self);
    int (*advance)(void *self, int64_t now, uint32_t *arrived, int capacity); /* how many; call again while == capacity */
    void (*close)(void *self);
} network_operations;
/* cdef: end */
#endif
