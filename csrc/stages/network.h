/* How a link model plugs in beside `circuit`: a small table of functions over an opaque self.
 *
 *     engine --send--> network      at the instant a send stage starts; 1 if it may arrive at that instant, else 0
 *     engine <-time--- next_time    when the network next acts by itself; NETWORK_NEVER: nothing is on its way
 *     engine --------> advance(t)   t never later than next_time; names what has arrived by t, in order
 *
 * A network that is the only one of its engine to move by itself may offer look_ahead instead of next_time: nothing
 * is sent to any network before `limit`, so it may go on by itself up to there, and says when the first message
 * arrives; beyond `limit` where none does.
 *
 * The engine goes on without asking until the time it was last given, or until the instant after a send: what a
 * network has to do at the instant of a send itself must be in the answer of send.
 *
 * Times are absolute picoseconds. `message` is the engine's number, given back on arrival. All functions but close,
 * next_time and look_ahead return a negative number on failure (no memory, an overflow). The engine copies the table,
 * and closes `self` with itself unless `close` is NULL: then another owns it. `image` walks over what the network keeps
 * while nothing is on its way (stages/image.h); without it a run cannot be taken up again in its midst. */
#ifndef CHIPWEAVE_NETWORK_H
#define CHIPWEAVE_NETWORK_H
#include <stdint.h>

#define NETWORK_NEVER INT64_MAX

/* cdef: begin */
struct image;
typedef struct {
    int (*send)(void *self, int64_t now, uint32_t message, int32_t source, int32_t target, int64_t bytes);
    int64_t (*next_time)(void *self);
    /* how many; call again while == capacity */
    int (*advance)(void *self, int64_t now, uint32_t *arrived, int capacity);
    void (*close)(void *self);                        /* or NULL */
    int64_t (*look_ahead)(void *self, int64_t limit); /* or NULL; NETWORK_NEVER if nothing is on its way */
    void (*image)(void *self, struct image *m);       /* or NULL */
} network_operations;
/* cdef: end */
#endif
