/* behaviours/sm/cluster.c -- see cluster.h: shared memory of the cluster, bulk copies, mbarriers. */
#include "behaviours/sm/cluster.h"
#include "behaviours/sm/l1.h"
#include "behaviours/sm/lsu.h"

/* Bytes of the sectors in a mask. */
static int64_t bytes_of(int32_t mask) { return 32 * cw_sectors(mask); }

/* A message to another SM leaves over the network of the GPC when the load-store unit is through with it, not
 * before. */
static void to_cluster(struct sm *s, int64_t leave_fs, const cw_message *m)
{
    s->host->schedule(s->host, s->me, leave_fs / FS - s->host->now, 1, LEAVE, cw_hold(&s->leaving, m));
}

/* ---- shared memory */

/* One line of another SM's shared memory; 0 where there is no room in flight for it. */
static int ask_peer(struct sm *s, struct warp *w, const struct wanted *line, int64_t peer, int store, int64_t leave_fs)
{
    int64_t *room = store ? &s->store_room : &s->load_room, bytes = bytes_of(line->mask);
    if (*room < bytes / 32)
        return 0;
    *room -= bytes / 32;
    w->waiting++;
    cw_message m = {.address = (uint64_t)peer << 48 | (uint64_t)s->p[RANK] << 32 | (line->line * LINE & 0xffffffff),
                    .tag = caller(s, w),
                    .mask = line->mask,
                    .kind = store ? CW_WRITE : CW_READ,
                    .bytes = (int32_t)(s->p[REQUEST_BYTES] + (store ? bytes : 0))};
    to_cluster(s, leave_fs, &m);
    return 1;
}

/* Issue a load or store of shared memory, from line `w->line_done` on; 0 where it has to wait for room. */
int sm_shared(struct sm *s, struct warp *w, const int64_t *op)
{
    struct wanted list[64];
    int32_t cycles, phases, n = sm_gather_shared(s, w, op, list, &cycles, &phases);
    int64_t cluster = op[2] > 0 ? op[2] : 1, first = s->p[RANK] / cluster * cluster,
            peer = first + (s->p[RANK] + op[3]) % cluster;
    if (peer != s->p[RANK] && *(op[9] ? &s->store_room : &s->load_room) < bytes_of(list[w->line_done].mask) / 32) {
        s->stats[STAT_STALLS]++; /* before the unit is taken: a warp that has no room does not hold it */
        return 0;
    }
    int64_t start = w->line_done ? now_fs(s) : sm_lsu_take(s, now_fs(s), cycles),
            extra = 2 * (phases - 1) * s->period_fs;
    if (peer == s->p[RANK]) {
        if (!op[9])
            w->ready_fs = cw_later(w->ready_fs, start + extra + s->p[SHARED_CYCLES] * s->period_fs);
        return 1;
    }
    for (; w->line_done < n; w->line_done++)
        if (!ask_peer(s, w, &list[w->line_done], peer, op[9] != 0, start)) {
            s->stats[STAT_STALLS]++;
            return 0;
        }
    w->line_done = 0;
    return 1;
}

/* Another SM asks for this one's shared memory, or answers: 1 where a load or store of this one is back. */
int sm_from_cluster(struct sm *s, const cw_message *m)
{
    cw_message answer = *m;
    int is_request = m->kind == CW_READ || m->kind == CW_WRITE, read = m->kind == CW_READ || m->kind == CW_DATA;
    if (is_request) {
        int64_t at = sm_lsu_take(s, now_fs(s), 1) + s->p[SHARED_CYCLES] * s->period_fs;
        answer.kind = read ? CW_DATA : CW_DONE;
        answer.bytes = (int32_t)(s->p[REQUEST_BYTES] + (read ? bytes_of(m->mask) : 0));
        s->stats[STAT_SERVED] += bytes_of(m->mask);
        to_cluster(s, at, &answer);
        return 0;
    }
    *(read ? &s->load_room : &s->store_room) += bytes_of(m->mask) / 32;
    s->stats[STAT_REMOTE] += bytes_of(m->mask);
    return 1;
}

/* ---- bulk copies */

/* Hand a bulk copy to the engine; the mbarrier expects its bytes from now on, so that a BARRIER right behind it
 * waits. */
void sm_copy(struct sm *s, const struct warp *w, const int64_t *op)
{
    int64_t box = op[2] + w->block * op[3] + w->count * op[4];
    s->pending[op[6]] += op[5];
    cw_message m = {
        .address = (uint64_t)box, .tag = (uint64_t)(op[1] << 8 | op[6]), .kind = op[7] ? CW_WRITE : CW_READ};
    s->host->send(s->host, s->me, COPIES, 0, 0, &m);
}

/* The engine asks for a line, or brings one out of shared memory. */
void sm_from_copies(struct sm *s, const cw_message *m)
{
    uint64_t at = sm_physical(s, m->address);
    int64_t start = m->kind == CW_WRITE ? sm_lsu_take(s, now_fs(s), 1) : now_fs(s),
            leave = start + s->p[MISS_CYCLES] * s->period_fs;
    cw_message out = {.address = at,
                      .tag = m->tag | OF_COPIES,
                      .mask = m->mask,
                      .kind = m->kind,
                      .bytes = (int32_t)(s->p[REQUEST_BYTES] + (m->kind == CW_WRITE ? bytes_of(m->mask) : 0))};
    s->host->send(s->host, s->me, MEMORY, sm_lane_of(s, at / LINE), leave / FS - s->host->now, &out);
}

/* Memory answers the engine: a line is written to shared memory; the mbarrier hears of its bytes. The tag: mbarrier
 * in the low byte, then the sectors that were requested. */
void sm_answer_copies(struct sm *s, const cw_message *m)
{
    int64_t b = m->tag & 0xff, bytes = bytes_of((int32_t)(m->tag >> 8 & 15)), now = now_fs(s);
    if (m->kind == CW_DATA)
        now = sm_lsu_take(s, now, 1);
    cw_message done = {.tag = m->tag & ~OF_COPIES, .kind = m->kind};
    s->host->send(s->host, s->me, COPIES, 0, 0, &done);
    s->stats[STAT_COPIED] += bytes;
    s->pending[b] -= bytes;
    if (s->pending[b])
        return;
    for (int64_t i = 0; i < (s->threads + 31) / 32 * s->blocks_at_once; i++)
        if (s->warps[i].barrier == b + 1) {
            s->warps[i].barrier = 0;
            sm_wake_at(s, &s->warps[i], now + s->p[SHARED_CYCLES] * s->period_fs);
        }
}
