/* sm_gather.h: the L1, where lines live, and what a warp instruction costs the load-store unit. Part of csrc/behaviours/sm.c. */
#ifndef CHIPWEAVE_SM_GATHER_H
#define CHIPWEAVE_SM_GATHER_H
#include "sm_state.h"

/* ---- L1 ---------------------------------------------------------------------------------------------------------- */

static uint64_t *set_of(sm *s, uint64_t line) { return s->tags + (line % (uint64_t)s->p[L1_SETS]) * (uint64_t)s->p[L1_WAYS]; }

static void to_front(uint64_t *set, int32_t way)
{
    uint64_t entry = set[way];
    memmove(set + 1, set, sizeof *set * (size_t)way);
    set[0] = entry;
}

/* The entry of a line, moved to the front of its set; NULL where L1 does not hold it. */
static uint64_t *find(sm *s, uint64_t line)
{
    uint64_t *set = set_of(s, line);
    for (int32_t way = 0; way < s->p[L1_WAYS]; way++)
        if (set[way] && set[way] >> 24 == line + 1) {
            if (way)
                to_front(set, way);
            return set;
        }
    return NULL;
}

/* An entry for a line that is not there, in place of the least recent without a fetch under way; NULL: none is free. */
static uint64_t *allocate(sm *s, uint64_t line)
{
    uint64_t *set = set_of(s, line);
    for (int32_t way = (int32_t)s->p[L1_WAYS] - 1; way >= 0; way--)
        if (!(set[way] & 0xf0)) {
            to_front(set, way);
            set[0] = (line + 1) << 24;
            return set;
        }
    return NULL;
}

/* ---- addresses ------------------------------------------------------------------------------------------------- */

static uint64_t physical(const sm *s, uint64_t address)
{
    if (!s->n_pages)
        return address;
    return ((uint64_t)s->pages[(address >> 21) % (uint64_t)s->n_pages] << 21) | (address & 0x1fffff);
}

/* Slice of the reader's partition that looks a line up: units of lines are dealt to all slices in groups, each group turned by
 * a hash of its number, so that any run of lines is level over the slices. Returns the lane of port "memory". */
static int32_t lane_of(const sm *s, uint64_t line)
{
    uint64_t n = (uint64_t)s->p[SLICES], unit = line / (uint64_t)s->p[UNIT], group = unit / n;
    uint64_t turn = ((group * 0x9e3779b97f4a7c15ull) >> 40) % n;
    return (int32_t)(((unit + turn) % n) >> 1);
}

/* ---- the load-store unit --------------------------------------------------------------------------------------- */

static int32_t fold(uint64_t line)
{
    int32_t bank = 0;
    for (; line; line >>= 2)
        bank ^= line & 3;
    return bank;
}

typedef struct wanted {
    uint64_t line;
    int32_t mask;
} wanted;

static int32_t add_line(wanted *list, int32_t n, uint64_t address, int32_t bytes)
{
    for (uint64_t a = address & ~31ull; a < address + (uint64_t)bytes; a += 32) {
        uint64_t line = a / LINE;
        int32_t i = n - 1, bit = 1 << (a / 32 % SECTORS);
        while (i >= 0 && list[i].line != line)
            i--;
        if (i < 0) {
            list[n] = (wanted){line, 0};
            i = n++;
        }
        list[i].mask |= bit;
    }
    return n;
}

/* Most words of one bank among `lanes` addresses; lanes that want the same word share it. */
static int32_t bank_cycles(const uint64_t *address, int32_t lanes, int32_t bytes)
{
    int32_t group = 128 / bytes, cycles = 0;  /* lanes whose data fill one phase */
    for (int32_t first = 0; first < lanes; first += group) {
        uint64_t words[32 * 4];
        int32_t n = 0, most = 1, in_bank[32] = {0};
        for (int32_t lane = first; lane < lanes && lane < first + group; lane++)
            for (int32_t b = 0; b < bytes; b += 4) {
                uint64_t word = (address[lane] + (uint64_t)b) / 4;
                int32_t i = 0;
                while (i < n && words[i] != word)
                    i++;
                if (i == n) {
                    words[n++] = word;
                    if (++in_bank[word & 31] > most)
                        most = in_bank[word & 31];
                }
            }
        cycles += most;
    }
    return cycles;
}

static int32_t tag_cycles(const wanted *list, int32_t n)
{
    int32_t in_bank[4] = {0}, most = 1;
    for (int32_t i = 0; i < n; i++)
        if (++in_bank[fold(list[i].line)] > most)
            most = in_bank[fold(list[i].line)];
    return most;
}

/* The lines an instruction wants, and the cycles it holds the unit. */
static int32_t gather(const sm *s, const warp *w, const int64_t *op, wanted *list, int32_t *cycles, int32_t *phases)
{
    uint64_t address[32];
    int32_t n = 0, lanes = (int32_t)op[8], bytes = (int32_t)op[7], chase = op[0] == SM_OP_CHASE || op[0] == SM_OP_GATHER;
    uint64_t first = chase ? 0 : (uint64_t)(op[1] + w->block % op[3] * op[2] + w->index * op[4] + w->count * op[5]);
    *phases = (lanes * bytes + 127) / 128;
    if (!chase && op[6] == bytes) {  /* lanes side by side */
        uint64_t end = first + (uint64_t)(lanes * bytes);
        for (uint64_t line = first / LINE; line * LINE < end; line++) {
            uint64_t from = first > line * LINE ? first - line * LINE : 0, to = end - line * LINE < LINE ? end - line * LINE : LINE;
            list[n++] = (wanted){line, (int32_t)((0xf << (from / 32)) & (0xf >> (3 - (to - 1) / 32)))};
        }
        *cycles = *phases;
        return n;
    }
    for (int32_t lane = 0; lane < lanes; lane++) {
        if (chase) {
            int64_t place = (op[3] + w->block * op[4] + w->index * op[5] + lane * op[6] + (op[0] == SM_OP_CHASE ? w->count : 0)) % s->n_order;
            address[lane] = (uint64_t)(op[1] + op[2] * s->order[place]);
        } else {
            address[lane] = first + (uint64_t)(lane * op[6]);
        }
        n = add_line(list, n, address[lane], bytes);
    }
    int32_t banks = bank_cycles(address, lanes, bytes), tags = tag_cycles(list, n);
    *cycles = banks > tags ? banks : tags;
    return n;
}

#endif
