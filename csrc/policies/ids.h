/* ids.h -- are all ids of an array below a limit? One quick look before a kernel that then needs no test of its
 * own. */
#ifndef CHIPWEAVE_IDS_H
#define CHIPWEAVE_IDS_H
#include <stdint.h>

/* The largest of 64 at a time without a branch, which compilers turn into vector code. */
#define IDS_BELOW(NAME, ID)                                                                                            \
    static int NAME(const ID *ids, int64_t n, int64_t limit)                                                           \
    {                                                                                                                  \
        int64_t at = 0;                                                                                                \
        if (limit > (int64_t)(ID) - 1)                                                                                 \
            return 1;                                                                                                  \
        for (; at + 64 <= n; at += 64) {                                                                               \
            ID most = 0;                                                                                               \
            for (int i = 0; i < 64; i++)                                                                               \
                most = ids[at + i] > most ? ids[at + i] : most;                                                        \
            if (most >= limit)                                                                                         \
                return 0;                                                                                              \
        }                                                                                                              \
        for (; at < n; at++)                                                                                           \
            if (ids[at] >= limit)                                                                                      \
                return 0;                                                                                              \
        return 1;                                                                                                      \
    }

IDS_BELOW(ids_below_u8, uint8_t)
IDS_BELOW(ids_below_u16, uint16_t)

#endif
