/* behaviours/sm/memory.c -- loads and stores of global memory: L1 hits, fetches under way, requests. */
#include "behaviours/sm/memory.h"
#include "behaviours/sm/l1.h"
#include "behaviours/sm/lsu.h"

/* The warp waits for a fetch: it joins its list. */
static void wait_for(struct sm *s, int32_t *head, uint64_t who)
{
    int32_t i;
    CW_TAKE_RECORD(i, s->waiters, s->n_waiters, s->free_waiter, 256);
    s->waiters[i] = (struct waiter){who, *head};
    *head = i;
}

/* A fetch under way, from the free list; load_room has made sure that there is one. */
static int32_t new_txn(struct sm *s)
{
    int32_t i = s->free_txn;
    s->free_txn = s->txns[i].next_free;
    s->txns[i].head = NONE;
    return i;
}

/* One line of a load: hit, a fetch that is under way, or a request. Returns 0 where there is no room for the
 * request. */
static int load_line(struct sm *s, struct warp *w, uint64_t virtual_line, int32_t mask, int past_l1, int64_t leave_fs)
{
    uint64_t *entry = past_l1 ? NULL : sm_find(s, virtual_line);
    uint64_t who = caller(s, w);
    if (entry && !(mask & ~(int32_t)(*entry & 15))) {
        s->stats[STAT_HITS]++;
        return 1;
    }
    int32_t missing = entry ? mask & ~(int32_t)((*entry | *entry >> 4) & 15) : mask;
    if (missing && s->load_room < cw_sectors(missing))
        return 0;
    if (entry && !missing) { /* on its way already */
        wait_for(s, &s->txns[*entry >> 8 & 0xffff].head, who);
        w->waiting++;
        return 1;
    }
    int shared = entry && (*entry & 0xf0); /* a second fetch for the entry: not recorded in it, so it stays simple */
    if (!entry && !past_l1)
        entry = sm_allocate(s, virtual_line);
    uint64_t at = sm_physical(s, virtual_line * LINE);
    int32_t t = new_txn(s);
    s->txns[t].line = virtual_line;
    s->txns[t].mask = missing;
    s->txns[t].entry = entry && !shared ? 1 : 0;
    s->txns[t].sectors = cw_sectors(missing);
    wait_for(s, &s->txns[t].head, who);
    w->waiting++;
    if (entry && !shared) {
        *entry = (*entry & ~0xffff00ull) | (uint64_t)t << 8 | (uint64_t)missing << 4;
    }
    s->load_room -= s->txns[t].sectors;
    s->stats[STAT_MISSES]++;
    cw_message m = {
        .address = at, .tag = (uint64_t)t, .bytes = (int32_t)s->p[REQUEST_BYTES], .kind = CW_READ, .mask = missing};
    s->host->send(s->host, s->me, MEMORY, sm_lane_of(s, at / LINE), leave_fs / FS - s->host->now, &m);
    return 1;
}

/* A store of one line goes to memory at once; 0 where too many are in flight. */
static int store_line(struct sm *s, uint64_t virtual_line, int32_t mask, int64_t leave_fs)
{
    int32_t sectors = cw_sectors(mask);
    if (s->store_room < sectors)
        return 0;
    s->store_room -= sectors;
    uint64_t at = sm_physical(s, virtual_line * LINE);
    cw_message m = {.address = at,
                    .tag = (uint64_t)sectors,
                    .bytes = (int32_t)s->p[REQUEST_BYTES] + 32 * sectors,
                    .kind = CW_WRITE,
                    .mask = mask};
    s->host->send(s->host, s->me, MEMORY, sm_lane_of(s, at / LINE), leave_fs / FS - s->host->now, &m);
    s->stats[STAT_STORED] += 32 * sectors;
    return 1;
}

/* Issue a memory instruction, from line `w->line_done` on; 0 where it has to wait for room. */
int sm_memory(struct sm *s, struct warp *w, const int64_t *op)
{
    struct wanted list[64];
    int32_t cycles, phases, n = sm_gather(s, w, op, list, &cycles, &phases);
    int64_t start = cw_later(now_fs(s), s->lsu_fs), extra = 2 * (phases - 1) * s->period_fs;
    if (!w->line_done) {
        sm_lsu_take(s, start, cycles);
        s->stats[STAT_LOADS] += op[0] != SM_OP_STORE;
    }
    while (w->line_done < n) {
        struct wanted *at = &list[w->line_done];
        int64_t leave = start + extra + s->p[MISS_CYCLES] * s->period_fs;
        int done = op[0] == SM_OP_STORE ? store_line(s, at->line, at->mask, leave)
                                        : load_line(s, w, at->line, at->mask, op[9] != 0, leave);
        if (!done) {
            s->stats[STAT_STALLS]++;
            return 0;
        }
        if (op[0] != SM_OP_STORE)
            s->stats[STAT_LOADED] += 32 * cw_sectors(at->mask);
        w->line_done++;
    }
    w->line_done = 0;
    if (op[0] != SM_OP_STORE)
        w->ready_fs = cw_later(w->ready_fs, start + extra + s->p[HIT_CYCLES] * s->period_fs);
    return 1;
}
