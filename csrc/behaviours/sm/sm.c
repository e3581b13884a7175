/* behaviours/sm/sm.c -- see sm.h: blocks, warps and the ops they run.
 *
 * The parts of an SM are in files of their own: lsu.c (what an access costs the load-store unit), l1.c, memory.c
 * (global memory), cluster.c (shared memory, bulk copies). This file starts blocks, lets warps go on, and takes what
 * comes back. Inner times are fs, so that cycles do not drift; everything sent to the engine is rounded to ps. */
#include "behaviours/sm/cluster.h"
#include "behaviours/sm/l1.h"
#include "behaviours/sm/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const cw_parameter PARAMETERS[] = {SM_PARAMETERS(CW_PARAMETER_ROW)};
static const char *const PORTS[] = {"memory", "cluster", "copies", "front"};
static const cw_statistic STATISTICS[] = {SM_STATISTICS(CW_STATISTIC_ROW)};

/* ---- warps and blocks */

/* The kernel has ended once no block is left and its stores are acknowledged: the command processor hears of it. */
static void maybe_end(struct sm *s)
{
    if (!s->started || s->running || s->next_block < s->blocks || s->store_room < s->p[STORE_SECTORS])
        return;
    s->started = 0;
    cw_message done = {.tag = s->command.tag, .kind = CW_DONE};
    s->host->reply(s->host, s->me, 0, &s->command, &done);
}

static void launch(struct sm *s);

/* The next block of the kernel starts in place `slot`, its warps `warp_launch` apart; none is left: the kernel may
 * be at its end. */
static void start_block(struct sm *s, int32_t slot, int64_t count)
{
    int64_t block = s->next_block, n = (s->threads + 31) / 32;
    if (block >= s->blocks) {
        maybe_end(s);
        return;
    }
    s->running++;
    s->next_block += s->block_step;
    s->alive[slot] = (int32_t)n;
    for (int64_t i = 0; i < n; i++) {
        struct warp *w = &s->warps[slot * n + i];
        *w = (struct warp){.block = block,
                           .index = (int32_t)i,
                           .slot = slot,
                           .count = count,
                           .next_stalled = NONE,
                           .life = w->life + 1};
        s->launch_fs = cw_later(s->launch_fs, now_fs(s)) + s->p[WARP_LAUNCH] * s->period_fs;
        sm_wake_at(s, w, s->launch_fs);
    }
}

/* The last warp of a block ends the block, and the next one starts in its place after the turnaround. */
static void end_warp(struct sm *s, struct warp *w)
{
    if (--s->alive[w->slot])
        return;
    s->stats[STAT_BLOCKS]++;
    s->running--;
    s->host->schedule(s->host, s->me, s->p[TURNAROUND] * s->period_fs / FS, 1, BLOCK, (uint64_t)w->slot);
}

/* A warp found no room for its access: it queues, first come first served, until something comes back. */
static void stall(struct sm *s, struct warp *w)
{
    int32_t who = (int32_t)(w - s->warps);
    w->next_stalled = NONE;
    if (s->stalled_last == NONE)
        s->stalled_first = who;
    else
        s->warps[s->stalled_last].next_stalled = who;
    s->stalled_last = who;
}

/* Pause until all loads are back; 0 where they are. */
static int pause_for_loads(struct sm *s, struct warp *w)
{
    if (w->waiting) {
        w->paused = 1;
        return 1;
    }
    if (w->ready_fs > now_fs(s)) {
        sm_wake_at(s, w, w->ready_fs);
        return 1;
    }
    return 0;
}

/* A warp goes on from op to op until it has to wait. What ends its turn: a time, an answer, room, an mbarrier. JUMP
 * and LOOP cost nothing by themselves, which is why sm_check_kernel() looks for ways back that take no time. */
static void run(struct sm *s, struct warp *w)
{
    while (w->pc < s->n_ops) {
        const int64_t *op = s->ops[w->pc];
        switch (op[0]) {
        case SM_OP_JUMP: w->pc = (int32_t)op[1]; continue;
        case SM_OP_LOAD:
        case SM_OP_GATHER:
        case SM_OP_STORE:
            if (!sm_memory(s, w, op)) {
                stall(s, w);
                return;
            }
            break;
        case SM_OP_CHASE:
            if (!w->place) {
                if (!sm_memory(s, w, op)) {
                    stall(s, w);
                    return;
                }
                w->place = 1;
            }
            if (pause_for_loads(s, w))
                return;
            w->place = 0;
            s->stats[STAT_HOPS]++;
            break;
        case SM_OP_SHARED:
            if (!sm_shared(s, w, op)) {
                stall(s, w);
                return;
            }
            break;
        case SM_OP_COPY: sm_copy(s, w, op); break;
        case SM_OP_BARRIER:
            if (s->pending[op[1]]) {
                w->barrier = (int32_t)op[1] + 1;
                return;
            }
            break;
        case SM_OP_WAIT:
            if (pause_for_loads(s, w))
                return;
            break;
        case SM_OP_LOOP:
            if (++w->count < op[2]) {
                w->pc = (int32_t)op[1];
                continue;
            }
            w->count = 0;
            break;
        default: /* SM_OP_WORK */
            w->pc++;
            sm_wake_at(s, w, now_fs(s) + op[1] * s->period_fs);
            return;
        }
        w->pc++;
    }
    end_warp(s, w);
}

/* One load of a warp is back; nothing of it is due where the warp has ended. */
static void load_back(struct sm *s, uint64_t who)
{
    struct warp *w = &s->warps[(uint32_t)who];
    if (w->life != who >> 32)
        return;
    if (--w->waiting == 0 && w->paused) {
        w->paused = 0;
        run(s, w);
    }
}

/* Room has come free: warps that queued for it try again in order, until one finds too little. */
static void resume_stalled(struct sm *s)
{
    while (s->stalled_first != NONE) {
        struct warp *w = &s->warps[s->stalled_first];
        const int64_t *op = s->ops[w->pc];
        if (!(op[0] == SM_OP_SHARED ? sm_shared(s, w, op) : sm_memory(s, w, op)))
            return;
        s->stalled_first = w->next_stalled;
        if (s->stalled_first == NONE)
            s->stalled_last = NONE;
        if (op[0] == SM_OP_CHASE)
            w->place = 1;
        else
            w->pc++;
        run(s, w);
    }
}

/* Does the program follow a visiting order that is not attached? */
static int lacks_order(const struct sm *s)
{
    for (int32_t i = 0; i < s->n_ops; i++)
        if ((s->ops[i][0] == SM_OP_CHASE || s->ops[i][0] == SM_OP_GATHER) && !s->n_order)
            return 1;
    return 0;
}

/* All places of the SM get their first block. A program that cannot run is reported here, before any access. */
static void launch(struct sm *s)
{
    if (lacks_order(s)) {
        s->host->fail(s->host, s->me, "the program follows a visiting order (Chase, Gather), and none is attached");
        return;
    }
    for (int32_t slot = 0; slot < s->blocks_at_once; slot++)
        start_block(s, slot, s->first_count + slot * s->place_count);
}

/* A kernel finds L1 empty. Loads that the one before has not waited for may still be under way: they fill no entry. */
static void empty_l1(struct sm *s)
{
    memset(s->tags, 0, sizeof *s->tags * (size_t)(s->p[L1_SETS] * s->p[L1_WAYS]));
    for (int32_t i = 0; i < s->n_txns; i++)
        s->txns[i].entry = 0;
}

/* ---- the table */

/* A message by its port: the cluster, the engine of copies, the front, or memory. */
static void receive(void *state, const cw_message *m)
{
    struct sm *s = state;
    if (m->port == CLUSTER) {
        if (sm_from_cluster(s, m)) {
            load_back(s, m->tag);
            resume_stalled(s);
        }
        return;
    }
    if (m->port == COPIES || m->tag & OF_COPIES) {
        m->port == COPIES ? sm_from_copies(s, m) : sm_answer_copies(s, m);
        return;
    }
    if (m->port == FRONT) {
        empty_l1(s);
        s->command = *m;
        s->started = 1;
        s->blocks = (int64_t)m->address;
        s->next_block = s->first_block;
        launch(s);
        return;
    }
    if (m->kind == CW_DONE) {
        s->store_room += (int64_t)m->tag;
        resume_stalled(s);
        maybe_end(s);
        return;
    }
    struct txn *t = &s->txns[m->tag];
    if (t->entry) {
        uint64_t *entry = sm_find(s, t->line);
        *entry = (*entry & ~((uint64_t)t->mask << 4)) | (uint64_t)t->mask;
    }
    s->load_room += t->sectors;
    int32_t at = t->head;
    t->next_free = s->free_txn;
    s->free_txn = (int32_t)m->tag;
    while (at != NONE) {
        struct waiter back = s->waiters[at];
        s->waiters[at].next = s->free_waiter;
        s->free_waiter = at;
        load_back(s, back.warp);
        at = back.next;
    }
    resume_stalled(s);
}

/* By code: a warp goes on, a block starts, a held message leaves, the kernel stops or starts. */
static void timer(void *state, int32_t code, uint64_t data)
{
    struct sm *s = state;
    if (code == WAKE)
        run(s, &s->warps[data]);
    else if (code == BLOCK)
        start_block(s, (int32_t)data, 0);
    else if (code == LEAVE) {
        cw_message m = cw_release(&s->leaving, data);
        s->host->send(s->host, s->me, CLUSTER, 0, 0, &m);
    } else if (code == SM_STOP)
        s->blocks = 0;
    else
        launch(s);
}

/* Sizes that later code relies on are checked here. One fetch for every sector in flight is enough: each holds at
 * least one. */
static int open(void *state, cw_host *host, int32_t part, const int64_t *p, char *why)
{
    struct sm *s = state;
    s->host = host;
    s->me = part;
    memcpy(s->p, p, sizeof s->p);
    if (p[LSU_TAGS] & (p[LSU_TAGS] - 1) || p[LSU_SLOTS] == 1)
        return snprintf(why, 256, "sm: lsu_tags is a power of two, lsu_slots is 0 or above 1"), -1;
    s->tag_bits = __builtin_ctzll((unsigned long long)p[LSU_TAGS]);
    s->period_fs = (1000000000000000 + p[CLOCK_HZ] / 2) / p[CLOCK_HZ];
    s->load_room = p[LOAD_SECTORS];
    s->store_room = p[STORE_SECTORS];
    s->stalled_first = s->stalled_last = s->free_waiter = NONE;
    s->n_txns = (int32_t)p[LOAD_SECTORS] + 1;
    s->tags = calloc((size_t)(p[L1_SETS] * p[L1_WAYS]), sizeof *s->tags);
    s->txns = calloc((size_t)s->n_txns, sizeof *s->txns);
    if (!s->tags || !s->txns)
        return snprintf(why, 256, "sm: out of memory"), -1;
    for (int32_t i = 0; i < s->n_txns; i++)
        s->txns[i].next_free = i + 1 < s->n_txns ? i + 1 : NONE;
    return 0;
}

/* Pages and visiting order are kept by the caller; a kernel is copied, after it has been checked. */
static int attach(void *state, int32_t what, const int64_t *data, int64_t n, char *why)
{
    struct sm *s = state;
    if (what == SM_TABLE_PAGES) {
        s->pages = data;
        s->n_pages = n;
        return 0;
    }
    if (what == SM_TABLE_ORDER) {
        s->order = data;
        s->n_order = n;
        return 0;
    }
    if (what != SM_TABLE_KERNEL)
        return snprintf(why, 256, "sm: there is no table %d", what), -1;
    if (sm_check_kernel(data, n, why))
        return -1;
    s->threads = data[0];
    s->blocks_at_once = data[1];
    s->next_block = s->first_block = data[2];
    s->block_step = data[3];
    s->blocks = data[4];
    s->n_ops = (int32_t)((n - SM_KERNEL_WORDS) / SM_OP_WORDS);
    s->first_count = data[5];
    s->place_count = data[6];
    memcpy(s->ops, data + SM_KERNEL_WORDS, sizeof(int64_t) * (size_t)(s->n_ops * SM_OP_WORDS));
    return 0;
}

/* A read or write outside time: 0 L1, else 1 + what the slice says. */
static int32_t touch(void *state, const cw_message *m)
{
    struct sm *s = state;
    uint64_t line = m->address / LINE, *entry = m->kind == CW_WRITE ? NULL : sm_find(s, line);
    if (entry && !(m->mask & ~(int32_t)(*entry & 15)))
        return 0;
    if (!entry && m->kind == CW_READ)
        entry = sm_allocate(s, line);
    if (entry)
        *entry |= (uint64_t)m->mask;
    cw_message access = *m;
    access.address = sm_physical(s, m->address);
    return 1 + s->host->touch(s->host, s->me, MEMORY, sm_lane_of(s, access.address / LINE), &access);
}

/* A statistic by number. */
CW_STATISTIC(struct sm)

/* Free caches, fetches and messages on their way. */
static void close_(void *state)
{
    struct sm *s = state;
    free(s->tags);
    free(s->txns);
    free(s->waiters);
    cw_close_held(&s->leaving);
}

cw_behaviour cw_sm = {CW_BEHAVIOUR("sm", struct sm), .attach = attach, .touch = touch, .close = close_};
