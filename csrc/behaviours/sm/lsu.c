/* behaviours/sm/lsu.c -- see lsu.h: what one warp instruction costs the load-store unit. */
#include "behaviours/sm/lsu.h"

/* Exclusive or of the line's number in digits of as many bits as a tag bank's number has. */
static int32_t fold(uint64_t line, int32_t bits)
{
    uint64_t bank = 0;
    for (; line && bits; line >>= bits)
        bank ^= line & ((1ull << bits) - 1);
    return (int32_t)bank;
}

/* One more line of an instruction, or more sectors of one that is listed. */
static int32_t add_line(struct wanted *list, int32_t n, uint64_t address, int32_t bytes)
{
    for (uint64_t a = address & ~31ull; a < address + (uint64_t)bytes; a += 32) {
        uint64_t line = a / LINE;
        int32_t i = n - 1, bit = 1 << (a / 32 % SECTORS);
        while (i >= 0 && list[i].line != line)
            i--;
        if (i < 0) {
            list[n] = (struct wanted){line, 0};
            i = n++;
        }
        list[i].mask |= bit;
    }
    return n;
}

/* Passes over the data path that the lanes' bytes need. */
static int32_t wavefronts(const struct sm *s, int32_t lanes, int32_t bytes)
{
    return (int32_t)((lanes * bytes + s->p[LSU_BYTES] - 1) / s->p[LSU_BYTES]);
}

/* Cycles of the banks: most words of one bank in each group of lanes whose data fill the path. */
static int32_t bank_cycles(const struct sm *s, const uint64_t *address, int32_t lanes, int32_t bytes)
{
    int32_t group = (int32_t)s->p[LSU_BYTES] / bytes, cycles = 0;
    uint64_t banks = (uint64_t)s->p[LSU_BANKS];
    group = group < 1 ? 1 : group;
    for (int32_t first = 0; first < lanes; first += group) {
        uint64_t words[32 * 4];
        int32_t n = 0, most = 1, in_bank[MAX_LSU_BANKS] = {0};
        for (int32_t lane = first; lane < lanes && lane < first + group; lane++)
            for (int32_t b = 0; b < bytes; b += 4) {
                uint64_t word = (address[lane] + (uint64_t)b) / 4;
                int32_t i = 0;
                while (i < n && words[i] != word)
                    i++;
                if (i == n) {
                    words[n++] = word;
                    if (++in_bank[word % banks] > most)
                        most = in_bank[word % banks];
                }
            }
        cycles += most;
    }
    return cycles;
}

/* Cycles of the tag lookup: lines that fall on one tag bank go one by one. */
static int32_t tag_cycles(const struct sm *s, const struct wanted *list, int32_t n)
{
    int32_t in_bank[MAX_LSU_TAGS] = {0}, most = 1;
    for (int32_t i = 0; i < n; i++) {
        int32_t bank = fold(list[i].line, s->tag_bits);
        if (++in_bank[bank] > most)
            most = in_bank[bank];
    }
    return most;
}

/* Hold the unit for `cycles` from `from_fs` on, or from when it is free; returns when they begin. */
int64_t sm_lsu_take(struct sm *s, int64_t from_fs, int32_t cycles)
{
    int64_t start = cw_later(from_fs, s->lsu_fs), slots = s->p[LSU_SLOTS], lost = 0;
    if (slots) {
        s->lsu_used += cycles;
        lost = s->lsu_used / (slots - 1);
        s->lsu_used %= slots - 1;
    }
    int64_t taken = (cycles + lost) * s->period_fs;
    s->lsu_fs = start + taken;
    s->stats[STAT_LSU_BUSY] += taken / FS;
    return start;
}

/* ---- the lines an instruction wants */

/* The lines that an instruction touches, in order of first touch, each with its sectors. */
static int32_t lines_of(const uint64_t *address, int32_t lanes, int32_t bytes, struct wanted *list)
{
    int32_t n = 0;
    for (int32_t lane = 0; lane < lanes; lane++)
        n = add_line(list, n, address[lane], bytes);
    return n;
}

/* Lanes side by side: no bank is used twice, and lines follow one another. */
static int32_t lines_between(uint64_t first, uint64_t end, struct wanted *list)
{
    int32_t n = 0;
    for (uint64_t line = first / LINE; line * LINE < end; line++) {
        uint64_t from = first > line * LINE ? first - line * LINE : 0,
                 to = end - line * LINE < LINE ? end - line * LINE : LINE;
        list[n++] = (struct wanted){line, (int32_t)((0xf << (from / 32)) & (0xf >> (3 - (to - 1) / 32)))};
    }
    return n;
}

/* The lines an instruction on global memory wants, and the cycles it holds the unit. */
int32_t sm_gather(const struct sm *s, const struct warp *w, const int64_t *op, struct wanted *list, int32_t *cycles,
                  int32_t *phases)
{
    uint64_t address[32];
    int32_t lanes = (int32_t)op[8], bytes = (int32_t)op[7], chase = op[0] == SM_OP_CHASE || op[0] == SM_OP_GATHER;
    uint64_t first = chase ? 0 : (uint64_t)(op[1] + w->block % op[3] * op[2] + w->index * op[4] + w->count * op[5]);
    *phases = wavefronts(s, lanes, bytes);
    if (!chase && op[6] == bytes) {
        *cycles = *phases;
        return lines_between(first, first + (uint64_t)(lanes * bytes), list);
    }
    for (int32_t lane = 0; lane < lanes; lane++) {
        if (chase) {
            int64_t place =
                (op[3] + w->block * op[4] + w->index * op[5] + lane * op[6] + (op[0] == SM_OP_CHASE ? w->count : 0)) %
                s->n_order;
            address[lane] = (uint64_t)(op[1] + op[2] * s->order[place]);
        } else {
            address[lane] = first + (uint64_t)(lane * op[6]);
        }
    }
    int32_t n = lines_of(address, lanes, bytes, list), banks = bank_cycles(s, address, lanes, bytes),
            tags = tag_cycles(s, list, n);
    *cycles = banks > tags ? banks : tags;
    return n;
}

/* The same on shared memory, own or of another SM of the cluster: banks, and no tags. */
int32_t sm_gather_shared(const struct sm *s, const struct warp *w, const int64_t *op, struct wanted *list,
                         int32_t *cycles, int32_t *phases)
{
    uint64_t address[32], first = (uint64_t)(op[1] + w->index * op[4] + w->count * op[5]);
    int32_t lanes = (int32_t)op[8], bytes = (int32_t)op[7];
    for (int32_t lane = 0; lane < lanes; lane++)
        address[lane] = first + (uint64_t)(lane * op[6]);
    *phases = wavefronts(s, lanes, bytes);
    *cycles = bank_cycles(s, address, lanes, bytes);
    return lines_of(address, lanes, bytes, list);
}
