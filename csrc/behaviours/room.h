/* room.h: arrays that double when they are full. A behaviour has no state to return to without memory: it ends the
 * process. */
#ifndef CHIPWEAVE_ROOM_H
#define CHIPWEAVE_ROOM_H
#include <stdint.h>
#include <stdlib.h>

/* The places of an array of `n` when it is full: twice as many, `least` at first. */
static inline int32_t cw_more(int32_t n, int32_t least) { return n ? 2 * n : least; }

/* `array` with room for `n` items of `size` bytes. */
static inline void *cw_room(void *array, int32_t n, size_t size)
{
    void *grown = realloc(array, size * (size_t)n);
    if (!grown)
        abort();
    return grown;
}

#endif
