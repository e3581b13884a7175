/* Tables that stages ask and change: dense arrays, no hashing.
 *
 * tags    instances x sets x ways keys (>= 0; -1 empty), each set latest insertion first; stored as their complements,
 *         so that an empty table is memory that nothing has touched yet
 * keyed   uint8 instances x keys: 0 absent, 1 held, 2 pinned; with a capacity also an age list per instance:
 *
 *             oldest  <- older / newer ->  newest        (one slot more per instance is the list's anchor)
 *
 * bits    uint8 instances x keys
 *
 * The tables own their memory. Changes go to the journal callback-free: a function says what it evicted. */
#ifndef CHIPWEAVE_TABLES_H
#define CHIPWEAVE_TABLES_H
#include <stdint.h>

struct tags_table {
    int32_t instances, sets, ways, journal;
    int64_t *keys;
    int32_t *sets_of, *ways_of; /* of each instance, where they differ; sets and ways are then the most of them */
};

struct keyed_table {
    int32_t instances, keys, capacity, journal;
    uint8_t *present;
    int32_t *older, *newer; /* only with a capacity; [instances][keys + 1], entry `keys` is the anchor */
    int32_t *held;
    int32_t *capacity_of; /* of each instance, where they differ; 0: no bound */
};

struct bits_table {
    int32_t instances, keys, journal;
    uint8_t *values;
};

#define NOTHING (-1)

int tags_init(struct tags_table *t, int32_t instances, int32_t sets, int32_t ways, int32_t journal);
int keyed_init(struct keyed_table *t, int32_t instances, int32_t keys, int32_t capacity, int32_t journal);
int bits_init(struct bits_table *t, int32_t instances, int32_t keys, int32_t journal);
void tags_free(struct tags_table *t);
void keyed_free(struct keyed_table *t);
void bits_free(struct bits_table *t);

/* Put the key first in its set. 1 if it is new, and then *evicted is the key dropped or NOTHING. */
int tags_insert(struct tags_table *t, int64_t at, int64_t set, int64_t key, int64_t *evicted);
void tags_touch(struct tags_table *t, int64_t at, int64_t set, int64_t key);

/* Likewise; a present key is only renewed. */
int keyed_insert(struct keyed_table *t, int64_t at, int64_t key, int64_t *evicted);
void keyed_refresh(struct keyed_table *t, int64_t at, int64_t key);
int keyed_pin(struct keyed_table *t, int64_t at, int64_t key);

/* 0, or -1 where an invariant does not hold. */
int tags_check(const struct tags_table *t);   /* 0 if every set holds different keys */
int keyed_check(const struct keyed_table *t); /* 0 if lists, counts and presence agree */

/* The ways of a set, most recent first; each the complement of a key, 0 where empty. */
static inline int64_t *tags_line(const struct tags_table *t, int64_t at, int64_t set)
{
    int64_t line = at * t->sets; /* most tables have few sets and small numbers: keep clear of 64-bit division */
    const int32_t sets = t->sets_of ? t->sets_of[at] : t->sets;
    if (sets > 1)
        line += set >> 32 ? set % sets : (int64_t)((uint32_t)set % (uint32_t)sets);
    return t->keys + line * t->ways;
}

/* Is the key in its set? */
static inline int tags_has(const struct tags_table *t, int64_t at, int64_t set, int64_t key)
{
    const int64_t *line = tags_line(t, at, set);
    for (int32_t w = 0; w < t->ways; w++)
        if (line[w] == ~key)
            return 1;
    return 0;
}
#endif
