/* room.h: what every behaviour needs: arrays that double when they are full, records of which some are free, the
 * sectors of a line. All of it is inline: a line or two, or rare. A behaviour has no state to return to without
 * memory: it ends the process. */
#ifndef CHIPWEAVE_ROOM_H
#define CHIPWEAVE_ROOM_H
#include <stdint.h>
#include <stdlib.h>

#define NONE (-1) /* no record, no timer, no row */

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

/* `array` of `n` records, none of them free, becomes twice as large (`least` at first). Free records are a list by
 * their member `next`, from number `first` on. */
#define CW_MORE_RECORDS(array, n, first, least)                                                                        \
    do {                                                                                                               \
        const int32_t more_ = cw_more(n, least);                                                                       \
        (array) = cw_room(array, more_, sizeof *(array));                                                              \
        for (int32_t i_ = more_ - 1; i_ >= (n); i_--) {                                                                \
            (array)[i_].next = (first);                                                                                \
            (first) = i_;                                                                                              \
        }                                                                                                              \
        (n) = more_;                                                                                                   \
    } while (0)

/* `i` becomes the number of a free record, which is free no longer; the array grows where there is none. */
#define CW_TAKE_RECORD(i, array, n, first, least)                                                                      \
    do {                                                                                                               \
        if ((first) == NONE)                                                                                           \
            CW_MORE_RECORDS(array, n, first, least);                                                                   \
        (i) = (first);                                                                                                 \
        (first) = (array)[i].next;                                                                                     \
    } while (0)

/* Sectors in a mask, of which a line has four: a digit of the constant for each mask. */
static inline int32_t cw_sectors(int32_t mask) { return (int32_t)(0x4332322132212110ull >> 4 * (mask & 15) & 15); }

/* The later of two times. */
static inline int64_t cw_later(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
