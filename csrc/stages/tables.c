/* stages/tables.c -- tables that chains of stages look up and change: tags of a set-associative store, keyed stores
 * with a capacity, bits. Twins: chipweave/plain/tables.py.
 *
 * All instances of a table lie in one array, so that Python can look at them without a copy. Orders of use are kept as
 * positions (tags) or as a ring (keyed stores); nothing is ever searched beyond one set. */
#include "stages/tables.h"

#include <stdlib.h>
#include <string.h>

/* Sets of `ways` keys each, all empty; -1 without memory. */
int tags_init(struct tags_table *t, int32_t instances, int32_t sets, int32_t ways, int32_t journal)
{
    size_t n = (size_t)instances * (size_t)sets * (size_t)ways;
    *t = (struct tags_table){instances, sets, ways, journal, calloc(n + 1, sizeof(int64_t)), NULL, NULL};
    return t->keys ? 0 : -1;
}

/* Which keys an instance holds; with a capacity also their order of use, as a ring through an anchor (number
 * `keys`). -1 without memory. */
int keyed_init(struct keyed_table *t, int32_t instances, int32_t keys, int32_t capacity, int32_t journal)
{
    size_t slots = (size_t)instances * ((size_t)keys + 1);
    *t = (struct keyed_table){instances, keys, capacity, journal, calloc((size_t)instances * (size_t)keys + 1, 1),
                              NULL,      NULL, NULL,     NULL};
    t->held = calloc((size_t)instances + 1, sizeof(int32_t));
    if (capacity) {
        t->older = malloc(slots * sizeof(int32_t));
        t->newer = malloc(slots * sizeof(int32_t));
    }
    if (!t->present || !t->held || (capacity && (!t->older || !t->newer)))
        return -1;
    for (int32_t i = 0; capacity && i < instances; i++) {
        size_t anchor = (size_t)i * ((size_t)keys + 1) + (size_t)keys;
        t->older[anchor] = t->newer[anchor] = keys;
    }
    return 0;
}

/* A byte for every key of every instance, all 0; -1 without memory. */
int bits_init(struct bits_table *t, int32_t instances, int32_t keys, int32_t journal)
{
    *t = (struct bits_table){instances, keys, journal, calloc((size_t)instances * (size_t)keys + 1, 1)};
    return t->values ? 0 : -1;
}

/* Free what tags_init() made. */
void tags_free(struct tags_table *t)
{
    free(t->keys);
    free(t->sets_of);
    free(t->ways_of);
}

/* Free what bits_init() made. */
void bits_free(struct bits_table *t) { free(t->values); }

/* Free what keyed_init() made. */
void keyed_free(struct keyed_table *t)
{
    free(t->present);
    free(t->older);
    free(t->newer);
    free(t->held);
    free(t->capacity_of);
}

/* The key comes to the front of its set; 1 where it is new, and then `evicted` is the key that the last way lost
 * (NOTHING: it was empty). */
int tags_insert(struct tags_table *t, int64_t at, int64_t set, int64_t key, int64_t *evicted)
{
    int64_t *line = tags_line(t, at, set);
    const int32_t last = (t->ways_of ? t->ways_of[at] : t->ways) - 1;
    int32_t way = 0;
    while (way < last && line[way] != ~key)
        way++;
    int known = line[way] == ~key;
    *evicted = known ? NOTHING : ~line[way];
    memmove(line + 1, line, (size_t)way * sizeof *line);
    line[0] = ~key;
    return !known;
}

/* A key that is there becomes the most recent one. */
void tags_touch(struct tags_table *t, int64_t at, int64_t set, int64_t key)
{
    int64_t unused;
    if (tags_has(t, at, set, key))
        tags_insert(t, at, set, key, &unused);
}

/* The ring of one instance: one entry for each key and one for the anchor. */
static int32_t *links_of(int32_t *all, const struct keyed_table *t, int64_t at)
{
    return all + at * ((int64_t)t->keys + 1);
}

/* Take a key out of the ring. */
static void unlink_key(struct keyed_table *t, int64_t at, int64_t key)
{
    int32_t *older = links_of(t->older, t, at), *newer = links_of(t->newer, t, at);
    newer[older[key]] = newer[key];
    older[newer[key]] = older[key];
}

/* Put a key into the ring as the newest, just before the anchor. */
static void link_newest(struct keyed_table *t, int64_t at, int64_t key)
{
    int32_t *older = links_of(t->older, t, at), *newer = links_of(t->newer, t, at), anchor = t->keys;
    older[key] = older[anchor];
    newer[key] = anchor;
    newer[older[anchor]] = (int32_t)key;
    older[anchor] = (int32_t)key;
}

/* A key that is held becomes the newest. Pinned keys and stores without a capacity have no order. */
void keyed_refresh(struct keyed_table *t, int64_t at, int64_t key)
{
    if (!t->capacity || t->present[at * t->keys + key] != 1)
        return;
    unlink_key(t, at, key);
    link_newest(t, at, key);
}

/* Hold a key; 1 where it is new. Beyond the capacity the oldest key goes, named in `evicted`. */
int keyed_insert(struct keyed_table *t, int64_t at, int64_t key, int64_t *evicted)
{
    uint8_t *present = t->present + at * t->keys;
    *evicted = NOTHING;
    if (present[key]) {
        keyed_refresh(t, at, key);
        return 0;
    }
    present[key] = 1;
    t->held[at]++;
    if (!t->capacity)
        return 1;
    link_newest(t, at, key);
    const int32_t capacity = t->capacity_of ? t->capacity_of[at] : t->capacity;
    if (capacity && t->held[at] > capacity) {
        *evicted = links_of(t->newer, t, at)[t->keys]; /* the anchor's newer side is the oldest */
        unlink_key(t, at, *evicted);
        present[*evicted] = 0;
        t->held[at]--;
    }
    return 1;
}

/* Hold a key for good: it no longer counts towards the capacity; 1 where it is new. */
int keyed_pin(struct keyed_table *t, int64_t at, int64_t key)
{
    uint8_t *present = t->present + at * t->keys;
    int known = present[key];
    if (known == 1) {
        if (t->capacity)
            unlink_key(t, at, key);
        t->held[at]--;
    }
    present[key] = 2;
    return !known;
}

/* No key stands twice in a set. */
int tags_check(const struct tags_table *t)
{
    for (int64_t line = 0; line < (int64_t)t->instances * t->sets; line++)
        for (int32_t a = 0; a < t->ways; a++)
            for (int32_t b = 0; b < a; b++) {
                int64_t key = t->keys[line * t->ways + a];
                if (key != ~(int64_t)NOTHING && key == t->keys[line * t->ways + b])
                    return -1;
            }
    return 0;
}

/* Counts agree with the bytes, and the ring lists exactly the keys that are held. */
int keyed_check(const struct keyed_table *t)
{
    for (int64_t at = 0; at < t->instances; at++) {
        int64_t held = 0, listed = 0;
        for (int32_t key = 0; key < t->keys; key++)
            held += t->present[at * t->keys + key] == 1;
        int32_t capacity = t->capacity_of ? t->capacity_of[at] : t->capacity;
        if (held != t->held[at] || (capacity && held > capacity))
            return -1;
        if (!t->capacity)
            continue;
        const int32_t *newer = links_of(t->newer, t, at);
        for (int32_t key = newer[t->keys]; key != t->keys; key = newer[key], listed++)
            if (listed > held || t->present[at * t->keys + key] != 1)
                return -1;
        if (listed != held)
            return -1;
    }
    return 0;
}
