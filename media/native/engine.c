/* The packet engine in C: media/engine/packet_engine.py, moved by a thread that never takes the
 * interpreter's lock, so that a Python loop which stalls for 60 ms delays no packet.
 *
 * The law. This file does what media/engine/ (the readable reference) does, in the same order, and
 * tests/media hold both to the same bytes; a rule is changed there first and then here.
 * - One mutex, `lock`: whoever reads or writes anything below holds it. The thread takes it per batch
 *   of packets, Python's calls for microseconds. Nothing waits, allocates without bound or calls back
 *   while it is held.
 * - What a peer sent is a pair of pointers, `at` and `end`. Every read is preceded by a comparison with
 *   `end`; every loop is bounded by a constant or by the size of a datagram; there is no recursion.
 * - Everything kept has a bound: rings, queues, lists of numbers, streams per leg.
 * - SRTP is libsrtp as pylibsrtp brings it, through four addresses given by Python. No cryptography here.
 *
 * What stands between the two marks below is also what the loader (engine.py) gives to cffi.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <time.h>
#include <unistd.h>

/* -- what Python sees: begin -- */
#define MAX_LAYERS 4
#define MAX_SLOTS 64
#define MAX_MIDS 8
#define NAME_LENGTH 32

struct text { uint8_t n; uint8_t s[16]; };
struct line_spec { uint8_t promised; uint32_t ssrc, rtx_ssrc; struct text mid; };
struct leg_spec {
    uint8_t codec_of[128];              /* payload type -> codec, 0: none */
    int16_t rtx_of[128];                /* rtx payload type -> what it repairs, -1: none */
    int16_t receive_pt[4];              /* codec -> the peer's payload type, -1: it cannot */
    int16_t repair_pt[128];             /* payload type -> rtx payload type, -1: none */
    int16_t first_rtx;                  /* any rtx payload type, for padding; -1: none */
    uint8_t ext_mid, ext_rid, ext_rrid, ext_abs_send_time, ext_audio_level, ext_transport_cc;
    uint8_t publishes[3];
    uint8_t remb;
    uint8_t mids;
    uint8_t mid_kind[MAX_MIDS];
    struct text mid[MAX_MIDS];
    uint8_t rids[3];
    struct text rid[3][MAX_LAYERS];
    int64_t allowance_bps[3];
    uint32_t report_ssrc;
    int32_t slots;
    struct line_spec line[MAX_SLOTS][2];
};
struct engine_counts {
    int64_t received, forwarded, dropped_foreign, dropped_forged, dropped_malformed, dropped_full, dropped_over,
        nacks_served, nacks_sent, keyframe_requests, layer_switches, thinned, probes_sent, feedback_sent,
        feedback_received;
};
struct leg_figures { int64_t id, limit_bps, bad, heard_ms; double lost; };
struct layer_figures { int64_t bps; double fps; int32_t alive; };
struct level { int64_t leg; int32_t dbov; };

struct engine;
uint64_t engine_digest(void);
struct engine *engine_new(int fd, int name_length, int key_length, uintptr_t protect, uintptr_t unprotect,
    uintptr_t protect_rtcp, uintptr_t unprotect_rtcp, int64_t silent_ms, int64_t gone_ms, int64_t video_bps,
    int event_fd);
void engine_free(struct engine *e);
int engine_start(struct engine *e);
void engine_stop(struct engine *e);
void engine_receive(struct engine *e, int64_t now_ms);
void engine_tick(struct engine *e, int64_t now_ms);
void engine_clear_event(struct engine *e);
void engine_open_leg(struct engine *e, int64_t leg, const struct leg_spec *spec);
void engine_set_keys(struct engine *e, int64_t leg, uintptr_t rx, uintptr_t tx);
void engine_set_address(struct engine *e, int64_t leg, const uint8_t *name, int selected);
int64_t engine_owner(struct engine *e, const uint8_t *name);
void engine_close_leg(struct engine *e, int64_t leg);
void engine_route(struct engine *e, int64_t receiver, int slot, int line, int64_t publisher, int kind);
void engine_select(struct engine *e, int64_t receiver, int slot, int layer, int temporal);
int engine_layers(struct engine *e, int64_t leg, int kind, struct layer_figures *out);
int engine_levels(struct engine *e, struct level *out, int most);
void engine_limit(struct engine *e, int64_t leg, int kind, int64_t bps);
void engine_probe(struct engine *e, int64_t leg, int64_t bps, int64_t ms);
void engine_tap(struct engine *e, int64_t leg, int kind, int on);
void engine_request_keyframe(struct engine *e, int64_t leg, int kind);
int64_t engine_drain(struct engine *e, int queue, uint8_t **data);
int64_t engine_drain_reached(struct engine *e, uint8_t **data);
void engine_read_counts(struct engine *e, struct engine_counts *out);
int engine_read_legs(struct engine *e, struct leg_figures *out, int most);
/* -- what Python sees: end -- */

enum { AUDIO, VIDEO, SCREEN, KINDS };
enum { NO_CODEC, OPUS, VP8, H264 };
enum { OTHERS, TAPS, SYNCS, FEEDBACK, NOTICES, REACHED, QUEUES };
enum { NOTICE_SILENT, NOTICE_RESUMED, NOTICE_GONE, NOTICE_BACK };
enum { NEWS_FEEDBACK, NEWS_REMB, NEWS_LOSS };

#define ROW 2048
#define IN_ROWS 64
#define OUT_ROWS 256
#define TRAILER 144
#define MAX_OTHERS 256
#define MAX_TAPS 8192
#define MAX_FEEDBACK 4096
#define MAX_NOTICES 4096
#define MAX_FRESH 4096
#define MAX_PAYLOAD 1400
#define MAX_SSRCS 32
#define MAX_ADDRESSES 4
#define RTCP_PER_TICK 100
#define RING 512
#define MAX_MISSING 256
#define MAX_SHIFTS 64
#define DEAD_MS 800
#define MARK_MS 250
#define MAX_MARKS 5
#define UNPLACED (-1)
#define HISTORY 2048
#define SENT_SIZE 0xFFF
#define SENT_LOST 0x1000
#define SENT_SHIFT 13
#define MAX_SEGMENTS 64
#define MAX_AHEAD_MS 1000
#define ALL_LAYERS 7
#define ALL_TEMPORAL 7
#define TOP_TEMPORAL 3
#define PICTURE_IDS 0x7FFF
#define LOUD_MS 400
#define SILENCE 127
#define GROUP_MS 5
#define HELD_MS 3000
#define KEYFRAME_INTERVAL_MS 500
#define HEARD_LATELY_MS 2000
#define MAX_PROBE_BPS 5000000
#define MAX_PROBE_MS 5000
#define GSO_BYTES 60000   /* below the 64 KiB a datagram may have before it is cut */
#define GSO_SEGMENTS 32   /* the kernel takes 64 */
#define GSO_SIZE 1400     /* a segment must fit the path's MTU, it is not fragmented */
#define TICK_MS 50
#define RATE_MS 100
#define BUSY_PACKETS 200  /* in RATE_MS: about two hearings. From then on packets are let come together, */
#define GATHER_NS 400000  /* which delays them by half of this and saves a third: wake-ups, and GSO for bursts */
#define FRESH_TAPS 32     /* so many wake the reader at once; fewer wait for the next tick */

/* ---- small things ------------------------------------------------------------------------------ */

struct list { void **v; int n, capacity; };

static void add(struct list *l, void *item) {
    if (l->n == l->capacity) {
        l->capacity = l->capacity ? 2 * l->capacity : 8;
        l->v = realloc(l->v, sizeof *l->v * l->capacity);
        if (!l->v) abort();
    }
    l->v[l->n++] = item;
}

static int holds(const struct list *l, const void *item) {
    for (int i = 0; i < l->n; i++)
        if (l->v[i] == item) return 1;
    return 0;
}

static void drop(struct list *l, const void *item) {
    int kept = 0;
    for (int i = 0; i < l->n; i++)
        if (l->v[i] != item) l->v[kept++] = l->v[i];
    l->n = kept;
}

/* Records for Python, one behind the other. `out` is what was handed over last and not yet read again. */
struct queue { uint8_t *data, *out; size_t n, capacity, out_capacity; int count, most; };

static uint8_t *record(struct queue *q, size_t size) {
    if (q->count >= q->most) return NULL;
    if (q->n + size > q->capacity) {
        q->capacity = 2 * (q->n + size);
        q->data = realloc(q->data, q->capacity);
        if (!q->data) abort();
    }
    uint8_t *at = q->data + q->n;
    q->n += size;
    q->count++;
    return at;
}

static int64_t drain(struct queue *q, uint8_t **data) {
    uint8_t *full = q->data;
    size_t n = q->n, capacity = q->capacity;
    q->data = q->out, q->capacity = q->out_capacity;
    q->out = full, q->out_capacity = capacity;
    q->n = 0, q->count = 0;
    *data = full;
    return (int64_t)n;
}

static inline uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint32_t get24(const uint8_t *p) { return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2]; }
static inline uint32_t get32(const uint8_t *p) { return (uint32_t)get16(p) << 16 | get16(p + 2); }
static inline uint64_t get64(const uint8_t *p) { return (uint64_t)get32(p) << 32 | get32(p + 4); }
static inline uint8_t *put8(uint8_t *p, uint32_t v) { *p = (uint8_t)v; return p + 1; }
static inline uint8_t *put16(uint8_t *p, uint32_t v) { return put8(put8(p, v >> 8), v); }
static inline uint8_t *put24(uint8_t *p, uint32_t v) { return put16(put8(p, v >> 16), v); }
static inline uint8_t *put32(uint8_t *p, uint32_t v) { return put16(put16(p, v >> 16), v); }
static inline uint8_t *put64(uint8_t *p, uint64_t v) { return put32(put32(p, (uint32_t)(v >> 32)), (uint32_t)v); }

static int same_text(const struct text *t, const uint8_t *at, size_t n) {
    return t->n == n && memcmp(t->s, at, n) == 0;
}

/* ---- state ------------------------------------------------------------------------------------- */

struct kept { int64_t normal; uint32_t timestamp; int32_t picture; uint16_t size, capacity; uint8_t marker, tl_mask, *payload; };
struct missing { int64_t number, asked_ms; int tries; };
struct shift { int64_t after, value; };
struct mark { int64_t ms, octets, frames; };

struct layer {
    struct publication *publication;
    int index, clock, codec, pt;
    uint32_t ssrc;
    struct list live, thin;
    int keyframe_wanted;
    int64_t keyframe_ms, last_ms, window_ms, packets, octets, frames;
    struct mark marks[MAX_MARKS];
    int n_marks;
    /* from here on: the incoming stream */
    int64_t top, top_timestamp, top_picture, shift;
    int top_tl0, top_temporal;
    struct shift shifts[MAX_SHIFTS];
    int n_shifts;
    struct kept *ring; /* NULL for audio */
    struct missing missing[MAX_MISSING];
    int n_missing;
    int64_t base_top, base_packets, lost, jitter16, transit, sr_arrival_ms;
    uint64_t sr_ntp;
    uint32_t sr_timestamp;
};

struct publication {
    struct leg *leg;
    int kind, n_layers, n_rids;
    struct text rids[MAX_LAYERS];
    struct layer *layers[MAX_LAYERS];
    struct list subscribers, seekers;
    int tapped, silent;
    struct layer *tap_layer;
    int64_t last_ms, level256, limit_bps, rate, tokens, tokens_ms;
};

struct segment { int64_t first_out; struct layer *layer; int64_t first_normal; uint32_t timestamp_offset, picture_offset, tl0_offset; };

struct subscription {
    struct leg *leg;
    int slot, line;
    uint32_t ssrc, rtx_ssrc;
    struct publication *source;
    struct layer *stream, *target;
    int want_layer, want_temporal, temporal;
    void *tx;
    int pt, rtx_pt;
    int64_t rtx_seq, last_seq, last_ms, attached_ms, seq_offset;
    uint32_t last_timestamp, last_picture, last_tl0, timestamp_offset, picture_offset, tl0_offset;
    struct segment segments[MAX_SEGMENTS];
    int n_segments;
    int64_t filled[MAX_SEGMENTS];
    int n_filled;
    uint32_t left[MAX_SEGMENTS]; /* (incoming) timestamps of the last frames left out */
    int n_left;
    int64_t packets, octets, base_packets, base_octets, accounted, last_report_ms, failures;
    uint32_t last_report_ntp;
    int repairs_left;
    int64_t probed;
    /* header extensions: everything but the number or the time */
    uint32_t clock_head, clock_mask, wide_mask, ext_head;
    uint8_t tail[24];
    int tail_length, header_length, level_at; /* where the level stands in the tail, -1: nowhere */
    int reached_row, reached_drain;           /* its row of this drain, for a start */
};

enum { MEDIA, REPAIR, REFUSED, RETIRED }; /* what an SSRC of a leg is; of the last two nothing is taken */
struct known { uint32_t ssrc; int what; struct layer *layer; };
struct address { uint8_t key[NAME_LENGTH]; struct leg *leg; struct address *next; };
struct arrival { int64_t number, ms; };

struct leg {
    int64_t id;
    struct leg *previous, *next, *chain;
    struct leg_spec spec;
    uint32_t report_ssrc;
    void *rx, *tx;
    struct address *addresses[MAX_ADDRESSES + 1];
    int n_addresses;
    struct address *selected;
    uint8_t name[NAME_LENGTH];
    int64_t opened_ms, heard_ms;
    int gone, connected_once;
    struct known streams[MAX_SSRCS + 1]; /* in the order of their beginning */
    int n_streams;
    struct publication *publications[KINDS];
    struct subscription *lines[MAX_SLOTS][2];
    int n_slots;
    int64_t wide, history[HISTORY], reference;
    struct { uint16_t seq; int64_t ms; } fresh[MAX_FRESH];
    int n_fresh;
    struct arrival arrived[HISTORY]; /* by number; what is older than `told_ms` allows counts as absent */
    int report_count;
    int64_t arrivals_top, arrivals_next, told_ms, feedback_ms;
    int rtcp_left, probing;
    int64_t probe_bps, probe_from_ms, probe_until_ms, tell_until_ms, probe_sent, bad, limit_bps;
    double lost;
    int first_row, last_row; /* of those queued, while flush sorts them */
};

struct reached { int64_t receiver, publisher, packets, first_ms, last_ms; int32_t slot, line, kind, pad; };

typedef int transform(void *session, void *packet, int *length);

#define BUCKETS 1024

struct engine {
    pthread_mutex_t lock;
    pthread_t thread;
    int threaded, stopping, waiting; /* waiting: Python wants the lock */
    int fd, event_fd, name_length, key_length, gso, signalled;
    transform *protect, *unprotect, *protect_rtcp, *unprotect_rtcp;
    int64_t silent_ms, gone_ms, video_bps, now_ms, next_report_ms, next_tick_ms;
    struct leg *first, *last, *by_id[BUCKETS];
    struct address *by_address[BUCKETS];
    int n_legs, n_probing;
    struct engine_counts counts;
    struct list announced, scratch, promoted;
    struct queue queues[QUEUES];
    struct list reached;
    int drains;
    uint32_t send_time;
    /* what has arrived */
    uint8_t in[IN_ROWS][ROW];
    uint8_t in_names[IN_ROWS][NAME_LENGTH];
    struct iovec in_iov[IN_ROWS];
    struct mmsghdr in_headers[IN_ROWS];
    /* what leaves */
    int queued;
    uint8_t out[OUT_ROWS][ROW];
    int out_length[OUT_ROWS], out_next[OUT_ROWS];
    struct leg *out_leg[OUT_ROWS];
    struct iovec out_iov[OUT_ROWS];
    struct mmsghdr out_headers[OUT_ROWS];
    union { char bytes[CMSG_SPACE(sizeof(uint16_t))]; struct cmsghdr align; } out_control[OUT_ROWS];
};

static int ready(const struct leg *leg) { return leg->tx && leg->selected && !leg->gone; }

static struct leg *find_leg(struct engine *e, int64_t id) {
    struct leg *leg = e->by_id[(uint64_t)id % BUCKETS];
    while (leg && leg->id != id) leg = leg->chain;
    return leg;
}

static unsigned bucket(const struct engine *e, const uint8_t *key) {
    unsigned hash = 2166136261u;
    for (int i = 0; i < e->key_length; i++) hash = (hash ^ key[i]) * 16777619u;
    return hash % BUCKETS;
}

static struct address *find_address(struct engine *e, const uint8_t *key) {
    struct address *a = e->by_address[bucket(e, key)];
    while (a && memcmp(a->key, key, e->key_length)) a = a->next;
    return a;
}

static struct known *find_stream(struct leg *leg, uint32_t ssrc) {
    for (int i = 0; i < leg->n_streams; i++)
        if (leg->streams[i].ssrc == ssrc) return &leg->streams[i];
    return NULL;
}

static void forget_stream(struct leg *leg, struct known *known) {
    memmove(known, known + 1, (size_t)(&leg->streams[leg->n_streams--] - (known + 1)) * sizeof *known);
}

/* ---- layer.py ---------------------------------------------------------------------------------- */

static void layer_reset(struct layer *l) {
    l->top = l->top_picture = l->transit = -1;
    l->top_timestamp = 0;
    l->top_tl0 = l->top_temporal = 0;
    l->shift = 0;
    l->n_shifts = l->n_missing = 0;
    if (l->ring)
        for (int i = 0; i < RING; i++) l->ring[i].normal = UNPLACED;
    l->base_top = l->base_packets = l->lost = l->jitter16 = l->sr_arrival_ms = 0;
    l->sr_ntp = 0;
    l->sr_timestamp = 0;
}

static struct layer *layer_new(struct publication *p, int index) {
    struct layer *l = calloc(1, sizeof *l);
    if (!l) abort();
    l->publication = p;
    l->index = index;
    l->clock = p->kind == AUDIO ? 48 : 90;
    l->pt = -1;
    l->codec = p->kind == AUDIO ? OPUS : VP8;
    if (p->kind != AUDIO && !(l->ring = calloc(RING, sizeof *l->ring))) abort();
    layer_reset(l);
    return l;
}

static void layer_free(struct layer *l) {
    if (l->ring)
        for (int i = 0; i < RING; i++) free(l->ring[i].payload);
    free(l->ring);
    free(l->live.v);
    free(l->thin.v);
    free(l);
}

static int find_missing(const struct layer *l, int64_t number) {
    for (int i = 0; i < l->n_missing; i++)
        if (l->missing[i].number == number) return i;
    return -1;
}

static void forget_missing(struct layer *l, int i) {
    memmove(&l->missing[i], &l->missing[i + 1], sizeof l->missing[0] * (--l->n_missing - i));
}

static int64_t place(struct layer *l, uint16_t seq) {
    if (l->top < 0) {
        l->top = seq + 0x10000; /* room below for packets that come late */
        l->base_top = l->top - 1;
        l->base_packets = l->packets;
        return l->top;
    }
    int64_t delta = (seq - l->top) & 0xFFFF;
    if (delta < 0x8000) {
        int64_t extended = l->top + delta;
        if (delta > 1 && l->ring) {
            if (delta <= MAX_MISSING - l->n_missing) {
                for (int64_t n = l->top + 1; n < extended; n++)
                    l->missing[l->n_missing++] = (struct missing){n, 0, 0};
            } else {
                l->n_missing = 0;
                l->keyframe_wanted = 1;
            }
        }
        return l->top = extended;
    }
    int64_t extended = l->top + delta - 0x10000;
    int i = find_missing(l, extended);
    if (i >= 0) forget_missing(l, i);
    return extended;
}

static int64_t normal_of(const struct layer *l, int64_t extended) {
    int n = l->n_shifts;
    if (l->top - extended >= RING) return UNPLACED;
    if (!n || extended > l->shifts[n - 1].after) return extended - l->shift;
    if (extended <= l->shifts[0].after) return UNPLACED;
    while (extended <= l->shifts[n - 1].after) n--; /* ends at 0, see the line above */
    return extended - l->shifts[n - 1].value;
}

static int close_hole(struct layer *l, int64_t extended) {
    if (extended != l->top) return 0;
    if (!l->n_shifts) l->shifts[l->n_shifts++] = (struct shift){-1, l->shift};
    l->shift++;
    if (l->shifts[l->n_shifts - 1].after == extended - 1) { /* a burst is one step */
        l->shifts[l->n_shifts - 1] = (struct shift){extended, l->shift};
        return 1;
    }
    if (l->n_shifts == MAX_SHIFTS) memmove(l->shifts, l->shifts + 1, sizeof l->shifts[0] * --l->n_shifts);
    l->shifts[l->n_shifts++] = (struct shift){extended, l->shift};
    return 1;
}

static void hear(struct layer *l, int64_t now_ms, uint32_t timestamp) {
    int64_t transit = (uint32_t)((uint64_t)now_ms * l->clock - timestamp);
    if (l->transit >= 0) {
        int64_t step = (uint32_t)(transit - l->transit);
        l->jitter16 += (step < 1LL << 31 ? step : (1LL << 32) - step) - ((l->jitter16 + 8) >> 4);
    }
    l->transit = transit;
}

static int alive(const struct layer *l, int64_t now_ms) { return l->ssrc && now_ms - l->last_ms < DEAD_MS; }

static void mark(struct layer *l, int64_t now_ms) {
    if (l->n_marks && now_ms - l->marks[l->n_marks - 1].ms < MARK_MS) return;
    if (l->n_marks == MAX_MARKS) memmove(l->marks, l->marks + 1, sizeof l->marks[0] * --l->n_marks);
    l->marks[l->n_marks++] = (struct mark){now_ms, l->octets, l->frames};
}

static struct layer_figures figures(const struct layer *l, int64_t now_ms) {
    struct layer_figures f = {0, 0.0, alive(l, now_ms)};
    if (l->n_marks && now_ms > l->marks[0].ms) {
        int64_t elapsed = now_ms - l->marks[0].ms;
        f.bps = (l->octets - l->marks[0].octets) * 8000 / elapsed;
        f.fps = (double)((l->frames - l->marks[0].frames) * 1000) / (double)elapsed;
    }
    return f;
}

/* ---- publication.py ---------------------------------------------------------------------------- */

static void allow(struct publication *p, int64_t bps, int64_t now_ms) {
    int64_t rate = 2 * bps;
    if (rate == p->rate) return;
    p->rate = rate;
    p->tokens = rate * 1000;
    p->tokens_ms = now_ms;
}

static int over(struct publication *p, int64_t now_ms) {
    if (now_ms > p->tokens_ms) {
        int64_t full = p->rate * 1000, elapsed = now_ms - p->tokens_ms;
        if (elapsed > 1 << 20) elapsed = 1 << 20; /* far more than fills it, and no overflow */
        p->tokens += elapsed * p->rate;
        if (p->tokens > full) p->tokens = full;
        p->tokens_ms = now_ms;
    }
    return p->tokens <= 0;
}

static struct layer *highest_living(const struct publication *p, int most, int64_t now_ms) {
    if (p->n_layers == 1) return most >= 0 ? p->layers[0] : NULL;
    if (most > p->n_layers - 1) most = p->n_layers - 1;
    for (; most >= 0; most--)
        if (alive(p->layers[most], now_ms)) return p->layers[most];
    return NULL;
}

static struct publication *publication_new(struct leg *leg, int kind) {
    struct publication *p = calloc(1, sizeof *p);
    if (!p) abort();
    p->leg = leg;
    p->kind = kind;
    p->n_rids = leg->spec.rids[kind];
    memcpy(p->rids, leg->spec.rid[kind], sizeof p->rids);
    p->n_layers = p->n_rids > 1 ? p->n_rids : 1;
    for (int i = 0; i < p->n_layers; i++) p->layers[i] = layer_new(p, i);
    p->level256 = SILENCE << 8;
    return p;
}

/* ---- subscription.py --------------------------------------------------------------------------- */

static void prepare(struct subscription *s, const struct leg_spec *spec, const struct line_spec *promise) {
    s->rtx_ssrc = promise->rtx_ssrc;
    s->clock_head = s->clock_mask = s->wide_mask = 0;
    if (spec->ext_transport_cc) {
        s->clock_head = (uint32_t)(spec->ext_transport_cc << 4 | 1) << 24;
        s->wide_mask = 0xFFFF00;
    } else if (spec->ext_abs_send_time) {
        s->clock_head = (uint32_t)(spec->ext_abs_send_time << 4 | 2) << 24;
        s->clock_mask = 0xFFFFFF;
    }
    memset(s->tail, 0, sizeof s->tail);
    int n = 0;
    s->level_at = -1;
    if (s->line == AUDIO && spec->ext_audio_level) {
        s->tail[n++] = (uint8_t)(spec->ext_audio_level << 4);
        s->level_at = n++;
    }
    if (spec->ext_mid && promise->mid.n > 0 && promise->mid.n <= 16) {
        s->tail[n++] = (uint8_t)(spec->ext_mid << 4 | (promise->mid.n - 1));
        memcpy(s->tail + n, promise->mid.s, promise->mid.n);
        n += promise->mid.n;
    }
    s->tail_length = (n + 3) & ~3;
    s->ext_head = 0xBEDE0000u | (uint32_t)(1 + s->tail_length / 4);
    s->header_length = 20 + s->tail_length;
}

static struct subscription *subscription_new(struct leg *leg, int slot, int line, const struct line_spec *promise) {
    struct subscription *s = calloc(1, sizeof *s);
    if (!s) abort();
    s->leg = leg;
    s->slot = slot;
    s->line = line;
    s->ssrc = promise->ssrc;
    s->want_layer = ALL_LAYERS;
    s->want_temporal = s->temporal = ALL_TEMPORAL;
    s->pt = s->rtx_pt = -1;
    s->rtx_seq = s->ssrc & 0x7FFF;
    s->last_seq = s->ssrc >> 16 & 0x7FFF; /* random starts, well away from the wrap */
    s->last_timestamp = promise->rtx_ssrc;
    s->last_picture = promise->rtx_ssrc & PICTURE_IDS;
    s->last_tl0 = promise->rtx_ssrc >> 16 & 0xFF;
    return s;
}

static void forget(struct subscription *s, const struct layer *layer) {
    int last = s->n_segments;
    if (layer) {
        last = 0;
        for (int i = 0; i < s->n_segments; i++)
            if (s->segments[i].layer == layer) last = i + 1;
    }
    s->n_segments -= last;
    memmove(s->segments, s->segments + last, sizeof s->segments[0] * s->n_segments);
}

static void begin_segment(struct subscription *s, int64_t first_out, int64_t normal) {
    s->seq_offset = first_out - normal;
    if (s->n_segments && s->segments[s->n_segments - 1].first_out >= first_out) s->n_segments--;
    if (s->n_segments == MAX_SEGMENTS)
        memmove(s->segments, s->segments + 1, sizeof s->segments[0] * --s->n_segments);
    s->segments[s->n_segments++] = (struct segment){
        first_out, s->stream, normal, s->timestamp_offset, s->picture_offset, s->tl0_offset};
}

static int64_t least_step_ms(const struct subscription *s) { return s->line == AUDIO ? 20 : 1; }

/* The outgoing timestamp of this frame: Subscription._continued. */
static uint32_t continued(const struct subscription *s, const struct layer *layer, uint32_t timestamp, int64_t now_ms) {
    int64_t elapsed = s->last_ms ? now_ms - s->last_ms : 0;
    if (elapsed < least_step_ms(s)) elapsed = least_step_ms(s);
    if (elapsed > 1 << 24) elapsed = 1 << 24;
    if (s->n_segments) {
        const struct segment *before = &s->segments[s->n_segments - 1];
        const struct layer *old = before->layer;
        uint32_t then = timestamp + before->timestamp_offset;
        if (old != layer) {
            __int128 apart = ((__int128)layer->sr_ntp - (__int128)old->sr_ntp) * layer->clock * 1000 >> 32;
            then += old->sr_timestamp + (uint32_t)apart - layer->sr_timestamp;
        }
        int64_t step = (int64_t)(uint32_t)(then - s->last_timestamp + 0x80000000u) - 0x80000000LL;
        int known = old == layer || (layer->sr_ntp && old->sr_ntp);
        int64_t least = least_step_ms(s) * layer->clock;
        if (known && step > -(int64_t)MAX_AHEAD_MS * layer->clock && step <= (elapsed + MAX_AHEAD_MS) * layer->clock)
            return s->last_timestamp + (uint32_t)(step > least ? step : least);
    }
    return s->last_timestamp + (uint32_t)(elapsed * layer->clock);
}

static void attach(struct subscription *s, struct layer *layer, int64_t normal, uint32_t timestamp, int64_t picture,
                   int tl0, int64_t now_ms) {
    struct leg *leg = s->leg;
    s->pt = leg->spec.receive_pt[layer->codec];
    s->rtx_pt = leg->spec.repair_pt[s->pt & 127];
    s->tx = leg->tx;
    s->timestamp_offset = continued(s, layer, timestamp, now_ms) - timestamp;
    s->picture_offset = (uint32_t)(s->last_picture + 1 - (picture > 0 ? picture : 0)) & PICTURE_IDS;
    s->tl0_offset = (s->last_tl0 + 1 - (uint32_t)tl0) & 0xFF;
    s->stream = layer;
    s->attached_ms = now_ms;
    s->base_packets = layer->packets;
    s->base_octets = layer->octets;
    s->temporal = s->want_temporal;
    s->n_left = 0;
    begin_segment(s, s->last_seq + 1, normal);
}

static int64_t sent_packets(const struct subscription *s) {
    return s->packets + (s->stream ? s->stream->packets - s->base_packets : 0);
}

static int64_t sent_octets(const struct subscription *s) {
    return s->octets + (s->stream ? s->stream->octets - s->base_octets : 0);
}

static void detach(struct subscription *s) {
    struct layer *layer = s->stream;
    if (!layer) return;
    s->packets = sent_packets(s);
    s->octets = sent_octets(s);
    s->last_seq = layer->top - layer->shift + s->seq_offset;
    s->last_timestamp = (uint32_t)layer->top_timestamp + s->timestamp_offset;
    if (layer->top_picture >= 0) {
        s->last_picture = (uint32_t)(layer->top_picture + s->picture_offset) & PICTURE_IDS;
        s->last_tl0 = ((uint32_t)layer->top_tl0 + s->tl0_offset) & 0xFF;
    }
    s->last_ms = layer->last_ms;
    s->stream = NULL;
}

static void leave_out(struct subscription *s, int64_t normal, uint32_t timestamp, int size, int new_frame) {
    s->base_packets++;
    s->base_octets += size;
    int64_t first_out = normal + s->seq_offset;
    if (new_frame) {
        s->picture_offset = (s->picture_offset - 1) & PICTURE_IDS;
        if (s->n_left == MAX_SEGMENTS) memmove(s->left, s->left + 1, sizeof s->left[0] * --s->n_left);
        s->left[s->n_left++] = timestamp;
    }
    begin_segment(s, first_out, normal + 1);
}

static const struct segment *placed(const struct subscription *s, const struct layer *layer, int64_t normal) {
    const struct segment *after = NULL;
    for (int i = s->n_segments - 1; i >= 0; i--) {
        const struct segment *g = &s->segments[i];
        if (g->layer != layer) return NULL;
        if (normal >= g->first_normal) {
            int64_t out = g->first_out + normal - g->first_normal;
            return !after || out < after->first_out ? g : NULL;
        }
        after = g;
    }
    return NULL;
}

static int is_filled(const struct subscription *s, int64_t out) {
    for (int i = 0; i < s->n_filled; i++)
        if (s->filled[i] == out) return 1;
    return 0;
}

static int was_left_out(const struct subscription *s, uint32_t timestamp) {
    for (int i = 0; i < s->n_left; i++)
        if (s->left[i] == timestamp) return 1;
    return 0;
}

static void fill(struct subscription *s, int64_t out) {
    if (s->n_filled == MAX_SEGMENTS) memmove(s->filled, s->filled + 1, sizeof s->filled[0] * --s->n_filled);
    s->filled[s->n_filled++] = out;
}

static int64_t top_out(const struct subscription *s) {
    return s->stream ? s->stream->top - s->stream->shift + s->seq_offset : s->last_seq;
}

/* Which packet went out under `seq`; NULL when none that may be sent again. */
static const struct segment *asked(const struct subscription *s, uint16_t seq, int64_t *out) {
    int64_t top = top_out(s);
    *out = top - ((top - seq) & 0xFFFF);
    for (int i = s->n_segments - 1; i >= 0; i--) {
        if (*out < s->segments[i].first_out) continue;
        return is_filled(s, *out) ? NULL : &s->segments[i];
    }
    return NULL;
}

/* ---- outbox.py --------------------------------------------------------------------------------- */

static void count_full(struct engine *e, int n) { e->counts.dropped_full += n; }

/* Sends messages [0, n) of out_headers. A destination the kernel refuses is skipped, a full buffer ends
 * it: late media is worthless. A burst refused as a whole (a device without UDP GSO) is sent singly. */
static void send_messages(struct engine *e, int n) {
    int done = 0;
    while (done < n) {
        int rc = sendmmsg(e->fd, e->out_headers + done, (unsigned)(n - done), MSG_DONTWAIT);
        if (rc > 0) {
            done += rc;
            continue;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            for (; done < n; done++) count_full(e, (int)e->out_headers[done].msg_hdr.msg_iovlen);
            return;
        }
        struct msghdr *refused = &e->out_headers[done].msg_hdr;
        if (refused->msg_controllen && (errno == EIO || errno == EINVAL || errno == EMSGSIZE || errno == EOPNOTSUPP)) {
            int why = errno;
            size_t lost = 0;
            struct msghdr one = *refused;
            one.msg_control = NULL;
            one.msg_controllen = 0;
            one.msg_iovlen = 1;
            for (size_t i = 0; i < refused->msg_iovlen; i++, one.msg_iov++)
                if (sendmsg(e->fd, &one, MSG_DONTWAIT) < 0) lost++;
            count_full(e, (int)lost);
            /* Only if they leave singly it was the cutting; else it is the destination (port 0, say). */
            if (why != EMSGSIZE && lost < refused->msg_iovlen) e->gso = 0;
        } else {
            count_full(e, (int)refused->msg_iovlen);
        }
        done++;
    }
}

/* Sends what is queued, per destination in order: a run of packets of one size to one destination is one
 * message, which the kernel cuts (UDP GSO). */
static void flush(struct engine *e) {
    int n = e->queued, messages = 0, iovs = 0;
    if (!n) return;
    e->queued = 0;
    for (int i = 0; i < n; i++) {
        struct leg *leg = e->out_leg[i];
        e->out_next[i] = -1;
        if (leg->first_row < 0) leg->first_row = i;
        else e->out_next[leg->last_row] = i;
        leg->last_row = i;
    }
    for (int first = 0; first < n; first++) {
        struct leg *leg = e->out_leg[first];
        if (leg->first_row != first) continue;
        leg->first_row = -1;
        int row = first;
        while (row >= 0) {
            struct msghdr *m = &e->out_headers[messages].msg_hdr;
            int size = e->out_length[row], total = 0, segments = 0, last = size;
            memset(m, 0, sizeof *m);
            m->msg_name = leg->name;
            m->msg_namelen = (socklen_t)e->name_length;
            m->msg_iov = &e->out_iov[iovs];
            do {
                last = e->out_length[row];
                e->out_iov[iovs++] = (struct iovec){e->out[row], (size_t)last};
                total += last;
                segments++;
                row = e->out_next[row];
            } while (row >= 0 && e->gso && last == size && size <= GSO_SIZE && e->out_length[row] <= size &&
                     segments < GSO_SEGMENTS && total + size <= GSO_BYTES);
            m->msg_iovlen = (size_t)segments;
            if (segments > 1) {
                m->msg_control = e->out_control[messages].bytes;
                m->msg_controllen = CMSG_SPACE(sizeof(uint16_t));
                struct cmsghdr *c = CMSG_FIRSTHDR(m);
                c->cmsg_level = SOL_UDP;
                c->cmsg_type = UDP_SEGMENT;
                c->cmsg_len = CMSG_LEN(sizeof(uint16_t));
                uint16_t segment = (uint16_t)size;
                memcpy(CMSG_DATA(c), &segment, sizeof segment);
            }
            messages++;
        }
    }
    send_messages(e, messages);
}

static void queue_row(struct engine *e, struct leg *leg, int length) {
    e->out_length[e->queued] = length;
    e->out_leg[e->queued] = leg;
    if (++e->queued == OUT_ROWS) flush(e);
}

/* A header with its extensions; returns where the payload goes. */
static uint8_t *write_header(struct engine *e, const struct subscription *s, uint8_t *p, int first, int second,
                             int64_t seq, uint32_t timestamp, uint32_t ssrc, int level) {
    uint32_t wide = (uint32_t)++s->leg->wide;
    p = put8(p, (uint32_t)first);
    p = put8(p, (uint32_t)second);
    p = put16(p, (uint32_t)seq);
    p = put32(p, timestamp);
    p = put32(p, ssrc);
    p = put32(p, s->ext_head);
    p = put32(p, s->clock_head | (wide << 8 & s->wide_mask) | (e->send_time & s->clock_mask));
    memcpy(p, s->tail, (size_t)s->tail_length);
    if (s->level_at >= 0) p[s->level_at] = (uint8_t)level;
    return p + s->tail_length;
}

/* Encrypts the row being written and queues it. */
static int seal(struct engine *e, struct subscription *s, void *tx, int length) {
    struct leg *leg = s->leg;
    int64_t *entry = &leg->history[leg->wide & (HISTORY - 1)];
    if (e->protect(tx, e->out[e->queued], &length)) {
        s->failures++;
        *entry = 0;
        return 0;
    }
    *entry = e->now_ms << SENT_SHIFT | (length & SENT_SIZE);
    queue_row(e, leg, length);
    return 1;
}

/* The newest packet of a layer to everybody in the list; `picture` < 0: nothing in it is rewritten. */
static void spread(struct engine *e, const struct list *to, int64_t normal, uint32_t timestamp, int marker,
                   const uint8_t *payload, int size, int64_t picture, int tl_mask, int level) {
    for (int i = 0; i < to->n; i++) {
        struct subscription *s = to->v[i];
        uint8_t *p = write_header(e, s, e->out[e->queued], 0x90, marker | s->pt, normal + s->seq_offset,
                                  timestamp + s->timestamp_offset, s->ssrc, level);
        memcpy(p, payload, (size_t)size);
        if (picture >= 0) { /* then there are at least five bytes: read_vp8 */
            put16(p + 2, 0x8000 | ((uint32_t)(picture + s->picture_offset) & PICTURE_IDS));
            p[4] = (uint8_t)(payload[4] + (s->tl0_offset & (uint32_t)tl_mask));
        }
        seal(e, s, s->tx, s->header_length + size);
    }
    e->counts.forwarded += to->n;
}

/* A single packet of the subscription's leg: late, again, filler or probe. `prefix` < 0: none. */
static int one(struct engine *e, struct subscription *s, uint32_t ssrc, int second, int64_t seq, uint32_t timestamp,
               int prefix, const uint8_t *payload, int size, int level, int first) {
    if (!s->leg->tx) return 0;
    uint8_t *p = write_header(e, s, e->out[e->queued], first, second, seq, timestamp, ssrc, level);
    if (prefix >= 0) p = put16(p, (uint32_t)prefix);
    memcpy(p, payload, (size_t)size);
    return seal(e, s, s->leg->tx, s->header_length + size + (prefix >= 0 ? 2 : 0));
}

static void filler(struct engine *e, struct subscription *s, int64_t out, uint32_t timestamp) {
    static const uint8_t padding[1] = {1};
    fill(s, out);
    one(e, s, s->ssrc, s->pt, out, timestamp, -1, padding, 1, 0, 0x90 | 0x20);
}

static int padding(struct engine *e, struct subscription *s, int number, int size) {
    uint8_t filling[256] = {0};
    filling[size - 1] = (uint8_t)size;
    s->rtx_seq++;
    return one(e, s, s->rtx_ssrc, number, s->rtx_seq, s->last_timestamp, -1, filling, size, 0, 0x90 | 0x20);
}

static void rewrite_vp8(uint8_t *payload, int64_t picture, int tl_mask, uint32_t picture_offset, uint32_t tl0_offset) {
    put16(payload + 2, 0x8000 | ((uint32_t)(picture + picture_offset) & PICTURE_IDS));
    payload[4] = (uint8_t)(payload[4] + (tl0_offset & (uint32_t)tl_mask));
}

/* A compound packet of `length` bytes. */
static void send_rtcp(struct engine *e, struct leg *leg, const uint8_t *packet, int length) {
    if (!ready(leg) || length > ROW - TRAILER) return;
    memcpy(e->out[e->queued], packet, (size_t)length);
    if (!e->protect_rtcp(leg->tx, e->out[e->queued], &length)) queue_row(e, leg, length);
}

/* ---- rtcp.py, the parts that are written ------------------------------------------------------- */

static uint8_t *write_empty_report(uint8_t *p, uint32_t ssrc) {
    return put32(put16(put16(p, 0x80 << 8 | 201), 1), ssrc);
}

/* ---- switching.py ------------------------------------------------------------------------------ */

static void ask_keyframe(struct engine *e, struct layer *l, int later) {
    if (l->publication->kind == AUDIO || !l->ssrc) return;
    if (e->now_ms - l->keyframe_ms < KEYFRAME_INTERVAL_MS) {
        l->keyframe_wanted |= later;
        return;
    }
    l->keyframe_wanted = 0;
    l->keyframe_ms = e->now_ms;
    e->counts.keyframe_requests++;
    struct leg *leg = l->publication->leg;
    uint8_t packet[20];
    uint8_t *p = write_empty_report(packet, leg->report_ssrc);
    p = put16(put16(p, 0x81 << 8 | 206), 2);
    put32(put32(p, leg->report_ssrc), l->ssrc);
    send_rtcp(e, leg, packet, sizeof packet);
}

static void ask_for(struct engine *e, struct subscription *s) {
    struct layer *l = s->target;
    if (!l || !ready(s->leg) || e->now_ms - s->leg->heard_ms > HEARD_LATELY_MS) return;
    if (s->leg->spec.receive_pt[l->codec] >= 0) ask_keyframe(e, l, 0);
}

/* Books what was sent since the last time. */
static void account(struct engine *e, struct subscription *s) {
    struct layer *l = s->stream;
    int64_t total = sent_packets(s);
    if (!s->source || !l || total <= s->accounted) return;
    int64_t packets = total - s->accounted;
    int64_t first = s->attached_ms > l->window_ms ? s->attached_ms : l->window_ms;
    s->accounted = total;
    struct leg *publisher = s->source->leg;
    struct reached *row = NULL;
    if (s->reached_drain == e->drains && s->reached_row < e->reached.n) row = e->reached.v[s->reached_row];
    if (!row || row->publisher != publisher->id || row->kind != s->source->kind || row->receiver != s->leg->id ||
        row->slot != s->slot || row->line != s->line) {
        row = NULL;
        for (int i = 0; i < e->reached.n && !row; i++) {
            struct reached *r = e->reached.v[i];
            if (r->receiver == s->leg->id && r->slot == s->slot && r->line == s->line &&
                r->publisher == publisher->id && r->kind == s->source->kind) {
                row = r;
                s->reached_row = i;
            }
        }
    }
    if (row) {
        row->packets += packets;
        row->last_ms = l->last_ms;
    } else {
        if (!(row = calloc(1, sizeof *row))) abort();
        *row = (struct reached){s->leg->id, publisher->id, packets, first, l->last_ms, s->slot, s->line, s->source->kind, 0};
        s->reached_row = e->reached.n;
        add(&e->reached, row);
    }
    s->reached_drain = e->drains;
}

static void leave(struct engine *e, struct subscription *s) {
    struct layer *l = s->stream;
    if (!l) return;
    account(e, s);
    detach(s);
    drop(&l->live, s);
    drop(&l->thin, s);
}

static void aim(struct engine *e, struct subscription *s) {
    struct publication *p = s->source;
    if (!p) return;
    struct layer *before = NULL, *target = NULL;
    int seeks = 0;
    if (s->want_layer < 0) {
        leave(e, s);
    } else {
        before = s->target;
        s->target = target = highest_living(p, s->want_layer, e->now_ms);
        seeks = !s->stream || (target && target != s->stream);
    }
    int waiting = holds(&p->seekers, s);
    if (seeks && !waiting) add(&p->seekers, s);
    else if (waiting && !seeks) drop(&p->seekers, s);
    if (seeks && (!waiting || target != before)) ask_for(e, s);
}

static void connect_line(struct engine *e, struct subscription *s, struct publication *p) {
    struct publication *before = s->source;
    if (before) {
        leave(e, s);
        drop(&before->subscribers, s);
        drop(&before->seekers, s);
        forget(s, NULL);
    }
    s->source = p;
    s->target = NULL;
    if (p) {
        add(&p->subscribers, s);
        aim(e, s);
    }
}

static void limit_frames(struct subscription *s, int temporal) {
    s->want_temporal = temporal < TOP_TEMPORAL ? temporal : ALL_TEMPORAL;
    struct layer *l = s->stream;
    if (l && s->want_temporal < TOP_TEMPORAL && holds(&l->live, s)) {
        s->temporal = TOP_TEMPORAL;
        drop(&l->live, s);
        add(&l->thin, s);
    }
}

/* A keyframe begins at this packet: those who wait for it change over. */
static void start(struct engine *e, struct layer *l, int64_t normal, uint32_t timestamp, int64_t picture, int tl0) {
    struct publication *p = l->publication;
    for (int i = 0; i < p->seekers.n; i++) {
        struct subscription *s = p->seekers.v[i];
        if (!ready(s->leg) || s->leg->spec.receive_pt[l->codec] < 0) continue;
        int first = !s->stream && l->index <= s->want_layer;
        if (l != s->target && !first) continue;
        if (s->stream) {
            e->counts.layer_switches++;
            leave(e, s);
        }
        attach(s, l, normal, timestamp, picture, tl0, e->now_ms);
        add(s->want_temporal < TOP_TEMPORAL ? &l->thin : &l->live, s);
        add(&e->announced, s);
    }
    int kept = 0;
    for (int i = 0; i < p->seekers.n; i++) {
        struct subscription *s = p->seekers.v[i];
        if (!s->stream || s->stream != s->target) p->seekers.v[kept++] = s;
    }
    p->seekers.n = kept;
}

static void restart(struct engine *e, struct subscription *s) {
    leave(e, s);
    aim(e, s);
}

static void interrupt(struct engine *e, struct layer *l) {
    while (l->live.n) leave(e, l->live.v[0]);
    while (l->thin.n) leave(e, l->thin.v[0]);
    for (int i = 0; i < l->publication->subscribers.n; i++) forget(l->publication->subscribers.v[i], l);
}

static void look_after(struct engine *e, struct publication *p) {
    if (p->kind == AUDIO) return;
    if (p->n_layers > 1)
        for (int i = 0; i < p->subscribers.n; i++) aim(e, p->subscribers.v[i]);
    if (e->now_ms - p->last_ms >= e->silent_ms) return; /* a camera that is off cannot answer */
    for (int i = 0; i < p->seekers.n; i++) ask_for(e, p->seekers.v[i]);
    struct layer *best = highest_living(p, p->n_layers - 1, e->now_ms);
    if (p->tapped && best && best != p->tap_layer) ask_keyframe(e, best, 0);
    for (int i = 0; i < p->n_layers; i++) {
        struct layer *l = p->layers[i];
        if (l->keyframe_wanted && (l->live.n || l->thin.n || l == p->tap_layer)) ask_keyframe(e, l, 1);
    }
}

/* ---- vp8.py, rtp.py ---------------------------------------------------------------------------- */

struct vp8 { int64_t picture; int tl_mask, temporal, sync; };

/* Reads the descriptor of `*size` bytes at `payload`, which has room for one more: a picture id of 7 bits is
 * widened to 15 in place. `picture` -1: there is none, or the descriptor is cut off. */
static struct vp8 read_vp8(uint8_t *payload, int *size, int64_t near) {
    struct vp8 none = {-1, 0, 0, 0}, found = none;
    int n = *size;
    if (n < 4 || !(payload[0] & 0x80) || !(payload[1] & 0x80)) return none;
    int flags = payload[1], first = payload[2];
    int at = 3 + (first >> 7) + (flags >> 6 & 1);
    if (flags & 0x30) {
        if (flags & 0x20 && at < n) {
            found.temporal = payload[at] >> 6;
            found.sync = payload[at] >> 5 & 1;
        }
        at++;
    }
    if (at >= n) return none;
    found.tl_mask = flags & 0x40 ? 0xFF : 0;
    if (first & 0x80) {
        found.picture = (first & 0x7F) << 8 | payload[3];
        return found;
    }
    found.picture = near < 0 ? first : (near - 64 + ((first - near + 64) & 0x7F)) & PICTURE_IDS;
    memmove(payload + 4, payload + 3, (size_t)(n - 3));
    put16(payload + 2, 0x8000 | (uint32_t)found.picture);
    *size = n + 1;
    return found;
}

static int opens_vp8(const uint8_t *p, int size) {
    if (size < 2 || !(p[0] & 0x10) || p[0] & 0x0F) return 0;
    int n = 1;
    if (p[0] & 0x80) {
        int flags = p[1];
        n = 2;
        if (flags & 0x80) {
            if (size <= n) return 0;
            n += p[n] & 0x80 ? 2 : 1;
        }
        n += (flags & 0x40 ? 1 : 0) + (flags & 0x30 ? 1 : 0);
    }
    return n < size && !(p[n] & 1);
}

static int opens_keyframe(int codec, const uint8_t *p, int size) {
    if (codec == VP8) return opens_vp8(p, size);
    if (codec != H264) return 1;
    if (size < 2) return 0;
    if ((p[0] & 31) == 24) return size > 3 && (p[3] & 31) == 7; /* STAP-A: SPS first */
    return (p[0] & 31) == 7;
}

/* Audio level and transport-wide number among the one-byte extensions in [at, end). */
static void read_extensions(const uint8_t *at, const uint8_t *end, int level_id, int wide_id, int *level, int *wide) {
    while (at + 1 < end) {
        if (*at < 16) {
            at++;
            continue;
        }
        if (*at >> 4 == level_id) *level = at[1];
        else if (*at >> 4 == wide_id && at + 2 < end) *wide = get16(at + 1);
        at += 2 + (*at & 15);
    }
}

/* The first extension of this id: its length and, in `found`, its bytes; 0 without one. */
static size_t extension(const uint8_t *at, const uint8_t *end, int id, const uint8_t **found) {
    while (id && at + 1 < end) {
        if (*at < 16) {
            at++;
            continue;
        }
        size_t size = 1 + (*at & 15);
        if (*at >> 4 == id) {
            *found = at + 1;
            return (size_t)(end - at - 1) >= size ? size : 0;
        }
        if ((size_t)(end - at) <= 1 + size) return 0;
        at += 1 + size;
    }
    return 0;
}

/* ---- identity.py ------------------------------------------------------------------------------- */

static struct layer *identify(struct leg *leg, int number, const uint8_t *at, const uint8_t *end, int *rtx) {
    const struct leg_spec *spec = &leg->spec;
    int codec = spec->codec_of[number];
    *rtx = codec == NO_CODEC;
    if (*rtx && spec->rtx_of[number] >= 0) codec = spec->codec_of[spec->rtx_of[number] & 127];
    if (codec == NO_CODEC) return NULL;
    int audio = codec == OPUS;
    const uint8_t *found = NULL;
    struct publication *p = NULL;
    size_t n = extension(at, end, spec->ext_mid, &found);
    if (n && spec->mids) {
        for (int i = 0; i < spec->mids && i < MAX_MIDS; i++)
            if (same_text(&spec->mid[i], found, n)) {
                int kind = spec->mid_kind[i];
                if (kind < KINDS && (kind == AUDIO) == audio) p = leg->publications[kind];
                break;
            }
    } else {
        int fitting = 0;
        for (int kind = 0; kind < KINDS; kind++)
            if (leg->publications[kind] && (kind == AUDIO) == audio && !fitting++) p = leg->publications[kind];
        if (fitting != 1) p = NULL;
    }
    if (!p) return NULL;
    if (p->n_layers == 1) return p->layers[0];
    n = extension(at, end, *rtx ? spec->ext_rrid : spec->ext_rid, &found);
    for (int i = 0; n && i < p->n_rids; i++)
        if (same_text(&p->rids[i], found, n)) return p->layers[i];
    return NULL;
}

/* ---- reports.py: sender reports (announced from the hot path as well) --------------------------- */

#define NTP_EPOCH_S 2208988800ULL

static int64_t floor_div(__int128 a, int64_t b) {
    __int128 q = a / b;
    return (int64_t)(a % b < 0 ? q - 1 : q);
}

static uint64_t ntp_time(int64_t now_ms) {
    return (uint64_t)floor_div((__int128)now_ms << 32, 1000) + (NTP_EPOCH_S << 32);
}

static int64_t unix_ms(uint64_t ntp) {
    __int128 since = (__int128)ntp - ((__int128)NTP_EPOCH_S << 32);
    return (int64_t)((since * 1000 + (1LL << 31)) >> 32);
}

static uint64_t our_ntp(const struct layer *l, int64_t now_ms) {
    const struct leg *leg = l->publication->leg;
    const struct layer *newest = NULL;
    for (int kind = 0; kind < KINDS; kind++) {
        const struct publication *p = leg->publications[kind];
        for (int i = 0; p && i < p->n_layers; i++)
            if (!newest || p->layers[i]->sr_arrival_ms > newest->sr_arrival_ms) newest = p->layers[i];
    }
    uint64_t moved = ntp_time(newest->sr_arrival_ms) - newest->sr_ntp;
    return l->sr_ntp + moved + (uint64_t)floor_div((__int128)(now_ms - l->sr_arrival_ms) << 32, 1000);
}

static uint8_t *write_description(uint8_t *p, uint32_t ssrc) { /* CNAME palmcourt */
    static const uint8_t item[12] = {1, 9, 'p', 'a', 'l', 'm', 'c', 'o', 'u', 'r', 't', 0};
    p = put32(put16(put16(p, 0x81 << 8 | 202), 4), ssrc);
    memcpy(p, item, sizeof item);
    return p + sizeof item;
}

#define SENDER_BLOCK 48

static uint8_t *write_sender_block(struct engine *e, struct subscription *s, uint8_t *p) {
    struct layer *l = s->stream;
    if (!l || !l->sr_ntp) return p;
    int64_t since = e->now_ms - l->sr_arrival_ms;
    uint64_t ntp = our_ntp(l, e->now_ms);
    s->last_report_ntp = (uint32_t)(ntp >> 16);
    s->last_report_ms = e->now_ms;
    p = put32(put16(put16(p, 0x80 << 8 | 200), 6), s->ssrc);
    p = put64(p, ntp);
    p = put32(p, l->sr_timestamp + s->timestamp_offset + (uint32_t)(since * l->clock));
    p = put32(put32(p, (uint32_t)sent_packets(s)), (uint32_t)sent_octets(s));
    return write_description(p, s->ssrc);
}

static void announce(struct engine *e, struct subscription *s) {
    uint8_t packet[SENDER_BLOCK];
    uint8_t *end = write_sender_block(e, s, packet);
    if (end > packet) send_rtcp(e, s->leg, packet, (int)(end - packet));
}

/* ---- py_engine.py: media in -------------------------------------------------------------------- */

static void tap_packet(struct engine *e, const struct layer *l, int64_t normal, uint32_t timestamp, int marker,
                       const uint8_t *payload, int size) {
    struct { int64_t leg, seq, arrival_ms; uint32_t kind, codec, ssrc, timestamp, marker, size; } head = {
        l->publication->leg->id, normal, e->now_ms, (uint32_t)l->publication->kind, (uint32_t)l->codec, l->ssrc,
        timestamp, marker ? 1u : 0u, (uint32_t)size};
    uint8_t *at = record(&e->queues[TAPS], sizeof head + (size_t)size);
    if (!at) {
        e->counts.dropped_full++;
        return;
    }
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, payload, (size_t)size);
}

static void on_keyframe(struct engine *e, struct layer *l, int64_t normal, uint32_t timestamp, int64_t picture, int tl0) {
    struct publication *p = l->publication;
    l->keyframe_wanted = 0;
    if (p->seekers.n && normal != UNPLACED) start(e, l, normal, timestamp, picture, tl0);
    struct layer *taped = p->tap_layer;
    if (!taped || l->index > taped->index || !alive(taped, e->now_ms)) p->tap_layer = p->tapped ? l : NULL;
}

/* Those who get this packet of those who do not get every frame, in e->scratch. */
static void thinned(struct engine *e, struct layer *l, int64_t normal, int size, const struct vp8 *about, int new_frame,
                    const uint8_t *payload, int length) {
    int temporal = about->temporal;
    int keyframe = new_frame && temporal == 0 && opens_keyframe(l->codec, payload, length);
    e->scratch.n = e->promoted.n = 0;
    for (int i = 0; i < l->thin.n; i++) {
        struct subscription *s = l->thin.v[i];
        int want = s->want_temporal;
        if (new_frame) {
            int more = keyframe || (about->sync && s->temporal < temporal && temporal <= want);
            if (s->temporal > want || more) s->temporal = keyframe || s->temporal > want ? want : temporal;
        }
        if (temporal > s->temporal) {
            leave_out(s, normal, (uint32_t)l->top_timestamp, size, new_frame);
            e->counts.thinned++;
            continue;
        }
        add(&e->scratch, s);
        if (want > TOP_TEMPORAL && s->temporal >= l->top_temporal) add(&e->promoted, s);
    }
    for (int i = 0; i < e->promoted.n; i++) {
        struct subscription *s = e->promoted.v[i];
        s->temporal = ALL_TEMPORAL;
        drop(&l->thin, s);
        add(&l->live, s);
    }
}

static void late_packet(struct engine *e, struct layer *l, const struct list *to, int64_t normal, uint32_t timestamp,
                        int marker, uint8_t *payload, int length, int level, const struct vp8 *about, int size) {
    uint8_t content[MAX_PAYLOAD + 1];
    for (int i = 0; i < to->n; i++) {
        struct subscription *s = to->v[i];
        const struct segment *g = normal != UNPLACED ? placed(s, l, normal) : NULL;
        if (!g) {
            s->base_packets++;
            s->base_octets += size;
            continue;
        }
        int64_t out = g->first_out + normal - g->first_normal;
        uint32_t then = timestamp + g->timestamp_offset;
        if (about->temporal > s->temporal || was_left_out(s, timestamp)) {
            s->base_octets += size;
            filler(e, s, out, then);
            continue;
        }
        memcpy(content, payload, (size_t)length);
        if (about->picture >= 0)
            rewrite_vp8(content, about->picture, about->tl_mask, g->picture_offset, g->tl0_offset);
        one(e, s, s->ssrc, marker | s->pt, out, then, -1, content, length, level, 0x90);
        e->counts.forwarded++;
    }
}

static void on_padding(struct engine *e, struct layer *l, int64_t extended, uint32_t timestamp) {
    l->packets++;
    int64_t normal = close_hole(l, extended) ? UNPLACED : normal_of(l, extended);
    const struct list *lists[2] = {&l->live, &l->thin};
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < lists[k]->n; i++) {
            struct subscription *s = lists[k]->v[i];
            const struct segment *g = normal != UNPLACED ? placed(s, l, normal) : NULL;
            if (!g) s->base_packets++;
            else filler(e, s, g->first_out + normal - g->first_normal, timestamp + g->timestamp_offset);
        }
}

static void keep(struct layer *l, int64_t normal, uint32_t timestamp, int marker, const uint8_t *payload, int size,
                 const struct vp8 *about) {
    struct kept *k = &l->ring[normal & (RING - 1)];
    if (k->capacity < size) {
        free(k->payload);
        k->capacity = (uint16_t)((size + 127) & ~127);
        if (!(k->payload = malloc(k->capacity))) abort();
    }
    k->normal = normal;
    k->timestamp = timestamp;
    k->marker = (uint8_t)marker;
    k->size = (uint16_t)size;
    k->picture = (int32_t)about->picture;
    k->tl_mask = (uint8_t)about->tl_mask;
    memcpy(k->payload, payload, (size_t)size);
}

/* `payload` has `size` bytes, at most MAX_PAYLOAD, and room for one more. */
static void on_media(struct engine *e, struct layer *l, uint16_t seq, uint32_t timestamp, int marker, uint8_t *payload,
                     int size, int level) {
    struct publication *p = l->publication;
    int64_t extended = place(l, seq);
    if (!size) {
        on_padding(e, l, extended, timestamp);
        return;
    }
    int64_t normal = normal_of(l, extended), now_ms = e->now_ms;
    int length = size;
    struct vp8 about = {-1, 0, 0, 0};
    if (l->codec == VP8) {
        about = read_vp8(payload, &length, l->top_picture);
        if (about.temporal > l->top_temporal) l->top_temporal = about.temporal;
    }
    if (l->ring) {
        if (normal != UNPLACED) keep(l, normal, timestamp, marker, payload, length, &about);
    } else {
        p->level256 += (((int64_t)(level & 127) << 8) - p->level256) >> 3;
    }
    int elsewhere = p->tapped && p->tap_layer != l;
    if ((p->seekers.n || elsewhere || l->keyframe_wanted) && opens_keyframe(l->codec, payload, length))
        on_keyframe(e, l, normal, timestamp, about.picture, about.tl_mask ? payload[4] : 0);
    if (p->tapped && p->tap_layer == l) tap_packet(e, l, normal, timestamp, marker, payload, length);
    hear(l, now_ms, timestamp);
    l->packets++;
    l->octets += size;
    l->frames += marker >> 7;
    l->last_ms = p->last_ms = now_ms;
    if (!l->window_ms) l->window_ms = now_ms;
    if (extended != l->top) {
        uint32_t ahead = (uint32_t)(about.picture - l->top_picture) & PICTURE_IDS;
        if (about.picture >= 0 && (l->top_picture < 0 || (0 < ahead && ahead < 1u << 14))) {
            /* The newest packet is of another codec and has no id: without this, what follows would get this one's. */
            l->top_picture = about.picture;
            l->top_tl0 = payload[4] & about.tl_mask;
        }
        late_packet(e, l, &l->live, normal, timestamp, marker, payload, length, level, &about, size);
        late_packet(e, l, &l->thin, normal, timestamp, marker, payload, length, level, &about, size);
        return;
    }
    uint32_t step = timestamp - (uint32_t)l->top_timestamp;
    int new_frame = 0 < step && step < 1u << 31;
    l->top_timestamp = timestamp;
    if (about.picture >= 0) {
        l->top_picture = about.picture;
        l->top_tl0 = payload[4] & about.tl_mask;
    }
    spread(e, &l->live, normal, timestamp, marker, payload, length, about.picture, about.tl_mask, level);
    if (l->thin.n) {
        thinned(e, l, normal, size, &about, new_frame, payload, length);
        spread(e, &e->scratch, normal, timestamp, marker, payload, length, about.picture, about.tl_mask, level);
    }
    for (int i = 0; i < e->announced.n; i++) announce(e, e->announced.v[i]);
    e->announced.n = 0;
}

static void on_repair(struct engine *e, struct layer *l, uint32_t timestamp, int marker, uint8_t *payload, int size) {
    if (size <= 2 || l->top < 0) return;
    uint16_t seq = get16(payload);
    if (find_missing(l, l->top - ((l->top - seq) & 0xFFFF)) >= 0)
        on_media(e, l, seq, timestamp, marker, payload + 2, size - 2, SILENCE);
}

/* An authenticated packet of a new SSRC, or of a new payload type on a known one. `what` tells which. */
static struct layer *begin_stream(struct engine *e, struct leg *leg, uint32_t ssrc, int number, const uint8_t *at,
                                  const uint8_t *end, int *what) {
    struct known *before = find_stream(leg, ssrc);
    struct layer *l;
    int rtx = 0;
    if (before && before->what == MEDIA) {
        int codec = leg->spec.codec_of[number];
        if (codec == NO_CODEC || (codec == OPUS) != (before->layer->publication->kind == AUDIO)) return NULL;
        l = before->layer;
    } else {
        l = identify(leg, number, at, end, &rtx);
        if (!l) {
            if (!before) leg->streams[leg->n_streams++] = (struct known){ssrc, REFUSED, NULL};
            return NULL;
        }
        if (before) forget_stream(leg, before);
        *what = rtx ? REPAIR : MEDIA;
        if (rtx) {
            leg->streams[leg->n_streams++] = (struct known){ssrc, REPAIR, l};
            return l;
        }
    }
    *what = MEDIA;
    interrupt(e, l);
    if (l->ssrc != ssrc) {
        struct known *former = l->ssrc ? find_stream(leg, l->ssrc) : NULL;
        if (former) *former = (struct known){l->ssrc, RETIRED, NULL}; /* what of it is still under way is over */
        layer_reset(l);
    }
    l->top_picture = -1; /* another codec's are nothing to go on from */
    l->top_temporal = 0;
    l->ssrc = ssrc;
    l->pt = number;
    l->codec = leg->spec.codec_of[number];
    if (!find_stream(leg, ssrc)) leg->streams[leg->n_streams++] = (struct known){ssrc, MEDIA, l};
    l->last_ms = l->publication->last_ms = e->now_ms;
    l->keyframe_wanted = 0;
    for (int i = 0; i < l->publication->subscribers.n; i++) aim(e, l->publication->subscribers.v[i]);
    return l;
}

static void on_rtp(struct engine *e, struct leg *leg, uint8_t *data, int size) {
    struct engine_counts *counts = &e->counts;
    if (size < 12 || size > ROW - TRAILER) {
        counts->dropped_malformed++;
        return;
    }
    uint8_t first = data[0], second = data[1];
    uint16_t seq = get16(data + 2);
    uint32_t timestamp = get32(data + 4), ssrc = get32(data + 8);
    int number = second & 127, what = MEDIA;
    struct known *known = find_stream(leg, ssrc);
    struct layer *l = known ? known->layer : NULL;
    if (!l) {
        int negotiated = leg->spec.codec_of[number] != NO_CODEC || leg->spec.rtx_of[number] >= 0;
        if (!negotiated || (known ? known->what == RETIRED : leg->n_streams >= MAX_SSRCS)) {
            counts->dropped_foreign++;
            return;
        }
    } else {
        what = known->what;
        if (l->publication->rate && over(l->publication, e->now_ms)) {
            counts->dropped_over++;
            return;
        }
    }
    int length = size;
    if (e->unprotect(leg->rx, data, &length)) {
        leg->bad++;
        counts->dropped_forged++;
        return;
    }
    leg->heard_ms = e->now_ms;
    int header = 12 + 4 * (first & 15), end = length, level = SILENCE, wide = -1;
    const uint8_t *extensions = data, *extensions_end = data; /* none */
    if (first & 16) {
        if (header + 4 > end) {
            counts->dropped_malformed++;
            return;
        }
        int at = header, words = get16(data + at + 2);
        header += 4 + 4 * words;
        if (words && header <= end && data[at] == 0xBE && data[at + 1] == 0xDE) {
            extensions = data + at + 4;
            extensions_end = data + header;
            read_extensions(extensions, extensions_end, leg->spec.ext_audio_level, leg->spec.ext_transport_cc, &level, &wide);
            if (wide >= 0 && leg->n_fresh < MAX_FRESH) {
                leg->fresh[leg->n_fresh].seq = (uint16_t)wide;
                leg->fresh[leg->n_fresh++].ms = e->now_ms;
            }
        }
    }
    if (first & 32 && end > 0) end -= data[end - 1];
    if (header > end || end - header > MAX_PAYLOAD) {
        counts->dropped_malformed++;
        return;
    }
    if (!l || (what == MEDIA && l->pt != number)) {
        l = begin_stream(e, leg, ssrc, number, extensions, extensions_end, &what);
        if (!l) {
            counts->dropped_foreign++;
            return;
        }
    }
    if (l->publication->rate) l->publication->tokens -= (int64_t)size * 8000;
    if (what == MEDIA) on_media(e, l, seq, timestamp, second & 128, data + header, end - header, level);
    else on_repair(e, l, timestamp, second & 128, data + header, end - header);
}

/* ---- transport_cc.py --------------------------------------------------------------------------- */

#define NO_ARRIVAL INT64_MIN
struct transport_report { uint16_t base; uint32_t reference; int n; int64_t arrivals[HISTORY]; };

/* 0 when it lies about its length. `r` is written in any case. */
static int read_transport(const uint8_t *at, const uint8_t *end, struct transport_report *r) {
    if (end - at < 8) return 0;
    r->base = get16(at);
    r->reference = get24(at + 4);
    r->n = get16(at + 2);
    if (r->n > HISTORY) return 0;
    uint8_t status[HISTORY + 14];
    int n = 0;
    for (at += 8; n < r->n; at += 2) {
        if (end - at < 2) return 0;
        unsigned chunk = get16(at);
        if (!(chunk & 0x8000)) {
            int run = (int)(chunk & 0x1FFF), left = r->n - n;
            if (!run) return 0;
            if (run > left) run = left;
            memset(status + n, (int)(chunk >> 13 & 3), (size_t)run);
            n += run;
        } else if (chunk & 0x4000) {
            for (int shift = 12; shift >= 0; shift -= 2) status[n++] = chunk >> shift & 3;
        } else {
            for (int shift = 13; shift >= 0; shift--) status[n++] = chunk >> shift & 1;
        }
    }
    int64_t clock = 0;
    for (int i = 0; i < r->n; i++) {
        r->arrivals[i] = NO_ARRIVAL;
        if (!status[i]) continue;
        if (status[i] > 2 || end - at < status[i]) return 0;
        clock += status[i] == 1 ? at[0] : (int16_t)get16(at);
        at += status[i];
        r->arrivals[i] = clock;
    }
    return 1;
}

struct feedback_row { int64_t sent_ms, arrived, size; }; /* arrived: quarters of a millisecond */
struct group { double sent_ms, arrived_ms, least_ms; int64_t octets, packets; };
struct news { uint32_t what, size; int64_t leg; };
struct told { double sent_ms; int64_t octets; uint32_t packets, lost, groups, rows; };

/* Of packets in order of sending, those that arrived; returns how many groups. */
static uint32_t group_rows(const struct feedback_row *rows, uint32_t n, struct group *found) {
    uint32_t count = 0;
    int64_t first = 0, last = 0, latest = 0, least = 0, octets = 0, packets = 0;
    for (uint32_t i = 0; i <= n; i++) {
        const struct feedback_row *r = &rows[i];
        if (i < n && r->arrived == NO_ARRIVAL) continue;
        if (i < n && packets && r->sent_ms >= first && r->sent_ms - first <= GROUP_MS) {
            octets += r->size;
            packets++;
            last = r->sent_ms;
            if (r->arrived > latest) latest = r->arrived;
            if (r->arrived - 4 * r->sent_ms < least) least = r->arrived - 4 * r->sent_ms;
            continue;
        }
        if (packets)
            found[count++] = (struct group){(double)last, (double)latest / 4, (double)least / 4, octets, packets};
        if (i == n) break;
        first = last = r->sent_ms;
        latest = r->arrived;
        least = r->arrived - 4 * r->sent_ms;
        octets = r->size;
        packets = 1;
    }
    return count;
}

static void on_transport_report(struct engine *e, struct leg *leg, const struct transport_report *r) {
    if (leg->reference < 0) leg->reference = r->reference;
    leg->reference += (((int64_t)r->reference - leg->reference + 0x800000) & 0xFFFFFF) - 0x800000;
    e->counts.feedback_received++;
    struct feedback_row rows[HISTORY];
    struct group groups[HISTORY];
    struct told told = {0};
    uint32_t n = 0;
    int64_t number = leg->wide - ((leg->wide - r->base) & 0xFFFF);
    for (int i = 0; i < r->n && number <= leg->wide; i++, number++) {
        int64_t *entry = leg->wide - number < HISTORY ? &leg->history[number & (HISTORY - 1)] : NULL;
        if (!entry || !*entry) continue;
        struct feedback_row row = {*entry >> SENT_SHIFT, NO_ARRIVAL, *entry & SENT_SIZE};
        if (r->arrivals[i] != NO_ARRIVAL) {
            row.arrived = leg->reference * 256 + r->arrivals[i];
            *entry = 0;
        } else if (!(*entry & SENT_LOST)) {
            *entry |= SENT_LOST;
        } else {
            continue;
        }
        told.octets += row.size;
        told.lost += row.arrived == NO_ARRIVAL;
        rows[n++] = row;
    }
    if (!n) return;
    told.sent_ms = (double)rows[n - 1].sent_ms;
    told.packets = n;
    told.groups = group_rows(rows, n, groups);
    told.rows = leg->tell_until_ms > 0 ? n : 0;
    if (rows[n - 1].sent_ms >= leg->tell_until_ms) leg->tell_until_ms = 0;
    size_t grouped = told.groups * sizeof groups[0], single = told.rows * sizeof rows[0];
    uint8_t *at = record(&e->queues[FEEDBACK], sizeof(struct news) + sizeof told + grouped + single);
    if (!at) {
        e->counts.dropped_full++;
        return;
    }
    struct news head = {NEWS_FEEDBACK, (uint32_t)(sizeof told + grouped + single), leg->id};
    memcpy(at, &head, sizeof head);
    memcpy(at + sizeof head, &told, sizeof told);
    memcpy(at + sizeof head + sizeof told, groups, grouped);
    memcpy(at + sizeof head + sizeof told + grouped, rows, single);
}

#define LATE_MS 500
#define MAX_SPAN 1000
#define MAX_STATUSES 400

static const struct arrival *arrival_of(const struct leg *leg, int64_t number) {
    const struct arrival *a = &leg->arrived[number & (HISTORY - 1)];
    return a->number == number && leg->told_ms - a->ms < LATE_MS ? a : NULL;
}

static uint8_t *write_chunks(uint8_t *p, const uint8_t *status, int n) {
    for (int at = 0; at < n;) {
        int run = 1, taken, large = 0;
        while (at + run < n && status[at + run] == status[at] && run < 0x1FFF) run++;
        unsigned chunk;
        for (int i = at; i < at + 14 && i < n; i++) large |= status[i] == 2;
        if (run >= 14 || at + run == n) {
            chunk = (unsigned)status[at] << 13 | (unsigned)run;
            taken = run;
        } else if (large) {
            chunk = 0xC000;
            taken = 7;
            for (int i = 0; i < 7 && at + i < n; i++) chunk |= (unsigned)status[at + i] << (12 - 2 * i);
        } else {
            chunk = 0x8000;
            taken = 14;
            for (int i = 0; i < 14 && at + i < n; i++) chunk |= (unsigned)status[at + i] << (13 - i);
        }
        p = put16(p, chunk);
        at += taken;
    }
    return p;
}

/* One packet from `base` on; returns where the next has to begin. */
static int64_t send_arrivals(struct engine *e, struct leg *leg, int64_t base, uint32_t about) {
    int64_t first = base;
    while (first <= leg->arrivals_top && !arrival_of(leg, first)) first++;
    if (first > leg->arrivals_top) return first;
    int64_t reference = arrival_of(leg, first)->ms * 4 / 256, clock = reference * 256, number = base;
    uint8_t status[MAX_STATUSES], deltas[2 * MAX_STATUSES], packet[ROW];
    uint8_t *d = deltas;
    int n = 0;
    for (; number <= leg->arrivals_top && n < MAX_STATUSES; number++) {
        const struct arrival *a = arrival_of(leg, number);
        if (!a) {
            status[n++] = 0;
            continue;
        }
        int64_t step = a->ms * 4 - clock;
        if (step < -0x8000 || step >= 0x8000) break; /* further apart than a delta can say: another report */
        status[n++] = step >= 0 && step < 0x100 ? 1 : 2;
        d = status[n - 1] == 1 ? put8(d, (uint32_t)step) : put16(d, (uint32_t)step);
        clock += step;
    }
    uint8_t *p = write_empty_report(packet, leg->report_ssrc), *head = p;
    p = put32(put32(p + 4, leg->report_ssrc), about);
    p = put16(put16(p, (uint32_t)base), (uint32_t)n);
    p = put8(put24(p, (uint32_t)reference), (uint32_t)leg->report_count);
    p = write_chunks(p, status, n);
    memcpy(p, deltas, (size_t)(d - deltas));
    p += d - deltas;
    while ((p - head) & 3) *p++ = 0;
    put16(put16(head, 0x8F << 8 | 205), (uint32_t)((p - head) / 4 - 1));
    leg->report_count = (leg->report_count + 1) & 0xFF;
    e->counts.feedback_sent++;
    send_rtcp(e, leg, packet, (int)(p - packet));
    return number;
}

static void feed_back(struct engine *e, struct leg *leg) {
    if (leg->arrivals_top < 0) leg->arrivals_top = leg->arrivals_next = leg->fresh[0].seq + 0x10000;
    int64_t lowest = leg->arrivals_top + 1;
    for (int i = 0; i < leg->n_fresh; i++) {
        int64_t step = (leg->fresh[i].seq - leg->arrivals_top) & 0xFFFF;
        int64_t number = leg->arrivals_top + (step < 0x8000 ? step : step - 0x10000);
        if (arrival_of(leg, number)) continue;
        if (number > leg->arrivals_top - HISTORY / 2) /* what is further back is not told of */
            leg->arrived[number & (HISTORY - 1)] = (struct arrival){number, leg->fresh[i].ms};
        if (number > leg->arrivals_top) leg->arrivals_top = number;
        if (number < lowest) lowest = number;
    }
    leg->n_fresh = 0;
    int64_t base = lowest < leg->arrivals_next ? lowest : leg->arrivals_next;
    if (base < leg->arrivals_top - MAX_SPAN) base = leg->arrivals_top - MAX_SPAN;
    leg->arrivals_next = leg->arrivals_top + 1;
    uint32_t about = 0;
    for (int i = 0; i < leg->n_streams && !about; i++)
        if (leg->streams[i].what == MEDIA) about = leg->streams[i].ssrc;
    while (base <= leg->arrivals_top) base = send_arrivals(e, leg, base, about);
    leg->told_ms = e->now_ms;
}

/* ---- rtcp.py, reports.py: what is heard --------------------------------------------------------- */

static struct subscription *find_line(struct leg *leg, uint32_t ssrc) {
    for (int i = 0; i < leg->n_slots; i++)
        for (int line = 0; line < 2; line++)
            if (leg->lines[i][line] && leg->lines[i][line]->ssrc == ssrc) return leg->lines[i][line];
    return NULL;
}

static int rtx(struct engine *e, struct subscription *s, const struct kept *k, const struct segment *g, int64_t out) {
    uint8_t content[MAX_PAYLOAD + 1];
    memcpy(content, k->payload, k->size);
    if (k->picture >= 0) rewrite_vp8(content, k->picture, k->tl_mask, g->picture_offset, g->tl0_offset);
    s->rtx_seq++;
    return one(e, s, s->rtx_ssrc, k->marker | s->rtx_pt, s->rtx_seq, k->timestamp + g->timestamp_offset,
               (int)(out & 0xFFFF), content, k->size, 0, 0x90);
}

#define MAX_NACKS 256

static void serve(struct engine *e, struct leg *leg, uint32_t ssrc, const uint8_t *at, const uint8_t *end) {
    struct subscription *s = find_line(leg, ssrc);
    if (!s || !ready(leg)) return;
    if (s->line == VIDEO && s->want_layer < 0) return; /* paused because the link is full: see reports.py */
    for (int n = 0; end - at >= 4 && n < MAX_NACKS; at += 4) {
        uint16_t first = get16(at), mask = get16(at + 2);
        for (int bit = -1; bit < 16 && n < MAX_NACKS; bit++) {
            if (bit >= 0 && !(mask >> bit & 1)) continue;
            n++;
            int64_t out;
            const struct segment *g = asked(s, (uint16_t)(first + 1 + bit), &out);
            if (!g || !g->layer->ring) continue;
            int64_t normal = g->first_normal + out - g->first_out;
            const struct kept *k = &g->layer->ring[normal & (RING - 1)];
            if (k->normal != normal || !k->size) continue; /* missing here as well: it is forwarded when it comes */
            if (s->rtx_pt < 0) {
                ask_keyframe(e, s->stream ? s->stream : g->layer, 1);
                return;
            }
            if (s->repairs_left <= 0) return;
            s->repairs_left--;
            if (rtx(e, s, k, g, out)) e->counts.nacks_served++;
        }
    }
}

static void asks_keyframe(struct engine *e, struct leg *leg, uint32_t ssrc) {
    struct subscription *s = find_line(leg, ssrc);
    struct layer *l = s ? (s->stream ? s->stream : s->target) : NULL;
    if (l) ask_keyframe(e, l, 1);
}

static void on_sender_report(struct engine *e, struct leg *leg, uint32_t ssrc, uint64_t ntp, uint32_t timestamp) {
    struct known *known = find_stream(leg, ssrc);
    if (!known || known->what != MEDIA) return;
    struct layer *l = known->layer;
    int first = !l->sr_ntp;
    l->sr_ntp = ntp;
    l->sr_timestamp = timestamp;
    l->sr_arrival_ms = e->now_ms;
    if (l->publication->tapped && l->publication->tap_layer == l) {
        struct { int64_t leg, ntp_ms; uint32_t kind, ssrc, timestamp, pad; } sync = {
            leg->id, unix_ms(ntp), (uint32_t)l->publication->kind, l->ssrc, timestamp, 0};
        uint8_t *at = record(&e->queues[SYNCS], sizeof sync);
        if (at) memcpy(at, &sync, sizeof sync);
    }
    for (int i = 0; first && i < l->live.n; i++) announce(e, l->live.v[i]);
    for (int i = 0; first && i < l->thin.n; i++) announce(e, l->thin.v[i]);
}

static void tell(struct engine *e, const void *news, size_t size) {
    uint8_t *at = record(&e->queues[FEEDBACK], size);
    if (at) memcpy(at, news, size);
    else e->counts.dropped_full++;
}

static void on_receiver_report(struct engine *e, struct leg *leg, const uint8_t *b) {
    struct subscription *s = find_line(leg, get32(b));
    if (!s) return;
    double lost = b[4] / 256.0;
    uint32_t jitter = get32(b + 12), last_sr = get32(b + 16), since_sr = get32(b + 20);
    leg->lost += (lost - leg->lost) / 4;
    double rtt = -1;
    if (last_sr && last_sr == s->last_report_ntp) {
        rtt = (double)(e->now_ms - s->last_report_ms) - (double)since_sr * 1000 / 65536;
        if (rtt < 0) rtt = 0;
    }
    struct { struct news head; int64_t slot, line; double lost, jitter_ms, rtt_ms; } loss = {
        {NEWS_LOSS, 0, leg->id}, s->slot, s->line, lost, (double)jitter / (s->line == AUDIO ? 48 : 90), rtt};
    tell(e, &loss, sizeof loss);
}

static void on_remb(struct engine *e, struct leg *leg, const uint8_t *p) {
    int exponent = p[0] >> 2;
    int64_t mantissa = get24(p) & 0x3FFFF;
    struct { struct news head; int64_t bps; } remb = {
        {NEWS_REMB, 0, leg->id}, exponent > 44 && mantissa ? INT64_MAX : mantissa << (exponent > 44 ? 0 : exponent)};
    leg->limit_bps = remb.bps;
    tell(e, &remb, sizeof remb);
}

/* Reads a compound packet. With `act` 0 nothing is done but the reading: a compound with any length that lies
 * is refused as a whole, so it is read once before anything of it counts. */
static int read_rtcp(struct engine *e, struct leg *leg, const uint8_t *at, const uint8_t *end, int act) {
    struct transport_report report;
    while (at < end) {
        if (end - at < 4 || at[0] >> 6 != 2) return 0;
        const uint8_t *body = at + 4;
        int count = at[0] & 31, kind = at[1];
        ptrdiff_t size = 4 * (ptrdiff_t)get16(at + 2);
        if (end - body < size) return 0;
        const uint8_t *next = body + size;
        const uint8_t *blocks = NULL;
        if (kind == 200) {
            if (size < 24) return 0;
            if (act) on_sender_report(e, leg, get32(body), get64(body + 4), get32(body + 12));
            blocks = body + 24;
        } else if (kind == 201) {
            blocks = size < 4 ? next : body + 4;
        } else if (kind == 205 && count == 1) {
            if (size < 8) return 0;
            if (act) serve(e, leg, get32(body + 4), body + 8, next);
        } else if (kind == 205 && count == 15) {
            if (!read_transport(size < 8 ? next : body + 8, next, &report)) return 0;
            if (act) on_transport_report(e, leg, &report);
        } else if (kind == 206) {
            if (size < 8) return 0;
            if (act && count == 1) asks_keyframe(e, leg, get32(body + 4));
            for (const uint8_t *p = body + 8; act && count == 4 && next - p >= 8; p += 8) asks_keyframe(e, leg, get32(p));
            if (act && count == 15 && size >= 16 && !memcmp(body + 8, "REMB", 4)) on_remb(e, leg, body + 13);
        }
        if (blocks) {
            if (next - blocks < 24 * count) return 0;
            for (int i = 0; act && i < count; i++) on_receiver_report(e, leg, blocks + 24 * i);
        }
        at = next;
    }
    return 1;
}

static void on_rtcp(struct engine *e, struct leg *leg, uint8_t *data, int size) {
    if (size < 12 || size > ROW - TRAILER) {
        e->counts.dropped_malformed++;
        return;
    }
    if (leg->rtcp_left <= 0) {
        e->counts.dropped_full++;
        return;
    }
    int length = size;
    if (e->unprotect_rtcp(leg->rx, data, &length)) {
        leg->bad++;
        e->counts.dropped_forged++;
        return;
    }
    leg->rtcp_left--;
    leg->heard_ms = e->now_ms;
    if (!read_rtcp(e, leg, data, data + length, 0)) e->counts.dropped_malformed++;
    else read_rtcp(e, leg, data, data + length, 1);
}

/* ---- reports.py: the 50 ms round ---------------------------------------------------------------- */

#define NACK_AFTER_MS 15
#define NACK_AGAIN_MS 80
#define NACK_TRIES 8
#define REPORT_MS 1000
#define FEEDBACK_MS 100
#define CONNECT_MS 20000
#define LEAST_VIDEO_BPS 50000
#define REPAIRS_PER_TICK 100
#define MAX_SYNCS 1024
#define PROBE_PADDING 224
#define PROBE_BACK 64
#define PROBES_PER_CALL 32

static void hold(struct engine *e, struct leg *leg) {
    for (int i = 0; i < leg->n_slots; i++)
        for (int line = 0; line < 2; line++)
            if (leg->lines[i][line]) restart(e, leg->lines[i][line]);
}

static void notice(struct engine *e, const struct leg *leg, int what, int kind, int64_t since_ms) {
    struct { int64_t leg, what, kind, since_ms; } n = {leg->id, what, kind, since_ms};
    uint8_t *at = record(&e->queues[NOTICES], sizeof n);
    if (at) memcpy(at, &n, sizeof n);
}

static void ask_again(struct engine *e, struct layer *l) {
    struct leg *leg = l->publication->leg;
    uint8_t packet[8 + 12 + 4 * MAX_MISSING];
    uint8_t *p = write_empty_report(packet, leg->report_ssrc), *head = p, *item = NULL;
    p += 12;
    int wanted = 0;
    for (int i = 0; i < l->n_missing;) {
        struct missing *m = &l->missing[i];
        if (m->tries >= NACK_TRIES || l->top - m->number >= RING) {
            forget_missing(l, i);
            l->keyframe_wanted = 1;
            continue;
        }
        if (!m->asked_ms) {
            m->asked_ms = e->now_ms - NACK_AGAIN_MS + NACK_AFTER_MS; /* the first request one tick later */
        } else if (e->now_ms - m->asked_ms >= NACK_AGAIN_MS) {
            m->asked_ms = e->now_ms;
            m->tries++;
            wanted++;
            int offset = item ? (int)((m->number - get16(item)) & 0xFFFF) : 0;
            if (item && 0 < offset && offset <= 16) {
                put16(item + 2, get16(item + 2) | 1u << (offset - 1));
            } else {
                item = p;
                p = put16(put16(p, (uint32_t)m->number), 0);
            }
        }
        i++;
    }
    if (!wanted) return;
    e->counts.nacks_sent += wanted;
    put32(put32(put16(put16(head, 0x81 << 8 | 205), (uint32_t)((p - head) / 4 - 1)), leg->report_ssrc), l->ssrc);
    send_rtcp(e, leg, packet, (int)(p - packet));
}

static uint8_t *write_block(struct engine *e, struct layer *l, uint8_t *p) {
    int64_t expected = l->top - l->base_top, received = l->packets - l->base_packets;
    int64_t lost = expected > received ? expected - received : 0;
    l->base_top = l->top;
    l->base_packets = l->packets;
    l->lost += lost; /* the sender's bitrate control looks at how this number grows */
    int64_t fraction = expected > 0 ? lost * 256 / expected : 0;
    int64_t delay = l->sr_ntp ? (e->now_ms - l->sr_arrival_ms) * 65536 / 1000 : 0;
    p = put8(put32(p, l->ssrc), (uint32_t)(fraction > 255 ? 255 : fraction));
    p = put24(p, (uint32_t)(l->lost > 0x7FFFFF ? 0x7FFFFF : l->lost));
    p = put32(put32(p, (uint32_t)l->top), (uint32_t)(l->jitter16 >> 4));
    return put32(put32(p, (uint32_t)(l->sr_ntp >> 16)), (uint32_t)(delay > 0xFFFFFFFFLL ? 0xFFFFFFFFLL : delay));
}

static void report(struct engine *e, struct leg *leg) {
    uint8_t packet[ROW];
    uint8_t *p = packet;
    for (int i = 0; i < leg->n_slots; i++)
        for (int line = 0; line < 2; line++) {
            if (leg->lines[i][line]) p = write_sender_block(e, leg->lines[i][line], p);
            if (p - packet > 1000) {
                send_rtcp(e, leg, packet, (int)(p - packet));
                p = packet;
            }
        }
    uint8_t *head = p;
    uint32_t blocks = 0, pictures = 0, ssrcs = 0;
    int64_t most = 0;
    p += 8;
    for (int kind = 0; kind < KINDS; kind++)
        for (int i = 0; leg->publications[kind] && i < leg->publications[kind]->n_layers; i++) {
            struct layer *l = leg->publications[kind]->layers[i];
            if (l->ssrc && l->top >= 0) {
                p = write_block(e, l, p);
                blocks++;
            }
        }
    put32(put16(put16(head, (0x80 | blocks) << 8 | 201), 1 + 6 * blocks), leg->report_ssrc);
    p = write_description(p, leg->report_ssrc);
    uint8_t *remb = p;
    p += 20;
    for (int kind = VIDEO; kind < KINDS; kind++) {
        struct publication *v = leg->publications[kind];
        uint32_t before = ssrcs;
        for (int i = 0; v && i < v->n_layers; i++)
            if (v->layers[i]->ssrc) {
                p = put32(p, v->layers[i]->ssrc);
                ssrcs++;
            }
        if (ssrcs == before) continue;
        pictures++;
        int64_t limit = v->limit_bps ? v->limit_bps : v->rate / 2 ? v->rate / 2 : e->video_bps;
        most += limit > LEAST_VIDEO_BPS ? limit : LEAST_VIDEO_BPS;
    }
    if (leg->spec.remb && pictures) {
        int exponent = 0;
        while (most >> exponent > 0x3FFFF) exponent++;
        uint32_t mantissa = (uint32_t)(most >> exponent);
        put32(put32(put16(put16(remb, 0x8F << 8 | 206), 4 + ssrcs), leg->report_ssrc), 0);
        memcpy(remb + 12, "REMB", 4);
        put16(put8(put8(remb + 16, ssrcs), (uint32_t)exponent << 2 | mantissa >> 16), mantissa);
    } else {
        p = remb;
    }
    send_rtcp(e, leg, packet, (int)(p - packet));
}

/* One packet more; its size, 0 when nothing can be sent. */
static int probe_once(struct engine *e, struct leg *leg) {
    struct subscription *padded = NULL;
    if (!ready(leg)) return 0;
    for (int i = 0; i < leg->n_slots; i++) {
        struct subscription *s = leg->lines[i][VIDEO];
        if (!s) continue;
        if (!padded) padded = s;
        struct layer *l = s->stream;
        if (!l || s->rtx_pt < 0 || !s->n_segments || !l->ring) continue;
        const struct segment *g = &s->segments[s->n_segments - 1];
        int64_t normal = l->top - l->shift - s->probed++ % PROBE_BACK;
        const struct kept *k = &l->ring[normal & (RING - 1)];
        int64_t out = g->first_out + normal - g->first_normal;
        if (out < g->first_out || is_filled(s, out) || k->normal != normal || !k->size) continue;
        rtx(e, s, k, g, out);
        return s->header_length + 2 + k->size;
    }
    if (!padded || leg->spec.first_rtx < 0) return 0;
    padding(e, padded, leg->spec.first_rtx, PROBE_PADDING);
    return padded->header_length + PROBE_PADDING;
}

static void end_probe(struct engine *e, struct leg *leg) {
    e->n_probing -= leg->probing;
    leg->probing = 0;
}

static void probe(struct engine *e) {
    for (struct leg *leg = e->first; leg && e->n_probing; leg = leg->next) {
        if (!leg->probing) continue;
        int64_t until = e->now_ms < leg->probe_until_ms ? e->now_ms : leg->probe_until_ms;
        int64_t owed = floor_div((__int128)leg->probe_bps * (until - leg->probe_from_ms), 8000);
        for (int i = 0; i < PROBES_PER_CALL && leg->probe_sent < owed; i++) {
            int size = probe_once(e, leg);
            if (!size) {
                leg->probe_until_ms = 0;
                break;
            }
            leg->probe_sent += size;
            e->counts.probes_sent++;
        }
        if (e->now_ms >= leg->probe_until_ms) end_probe(e, leg);
    }
}

static void tick_publication(struct engine *e, struct publication *p) {
    if (p->last_ms) {
        int silent = e->now_ms - p->last_ms > e->silent_ms;
        if (silent != p->silent) {
            p->silent = silent;
            notice(e, p->leg, silent ? NOTICE_SILENT : NOTICE_RESUMED, p->kind, p->last_ms);
        }
    }
    for (int i = 0; i < p->n_layers; i++) {
        mark(p->layers[i], e->now_ms);
        if (p->layers[i]->n_missing) ask_again(e, p->layers[i]);
    }
    look_after(e, p);
}

static void tick(struct engine *e) {
    int reports = e->now_ms >= e->next_report_ms;
    if (reports) e->next_report_ms = e->now_ms + REPORT_MS;
    for (struct leg *leg = e->first; leg; leg = leg->next) {
        int64_t quiet = e->now_ms - leg->heard_ms, limit = leg->connected_once ? e->gone_ms : CONNECT_MS;
        if (!leg->gone && quiet > limit) {
            leg->gone = 1;
            hold(e, leg);
            notice(e, leg, NOTICE_GONE, -1, leg->heard_ms);
        } else if (leg->gone && quiet < limit) {
            leg->gone = 0;
            notice(e, leg, NOTICE_BACK, -1, leg->heard_ms);
        }
        leg->rtcp_left = RTCP_PER_TICK;
        for (int i = 0; i < leg->n_slots; i++)
            for (int line = 0; line < 2; line++)
                if (leg->lines[i][line]) leg->lines[i][line]->repairs_left = REPAIRS_PER_TICK;
        for (int kind = 0; kind < KINDS; kind++)
            if (leg->publications[kind]) tick_publication(e, leg->publications[kind]);
        if (leg->n_fresh && e->now_ms - leg->feedback_ms >= FEEDBACK_MS) {
            leg->feedback_ms = e->now_ms;
            feed_back(e, leg);
        }
        if (reports && ready(leg)) report(e, leg);
    }
    if (e->n_probing) probe(e);
    flush(e);
}

/* ---- the socket ---------------------------------------------------------------------------------- */

static void set_time(struct engine *e, int64_t now_ms) {
    e->now_ms = now_ms;
    e->send_time = (uint32_t)floor_div((__int128)now_ms << 18, 1000) & 0xFFFFFF;
}

static int take_batch(struct engine *e) {
    for (int i = 0; i < IN_ROWS; i++) {
        e->in_iov[i] = (struct iovec){e->in[i], ROW};
        memset(&e->in_headers[i], 0, sizeof e->in_headers[i]);
        e->in_headers[i].msg_hdr.msg_name = e->in_names[i];
        e->in_headers[i].msg_hdr.msg_namelen = (socklen_t)e->name_length;
        e->in_headers[i].msg_hdr.msg_iov = &e->in_iov[i];
        e->in_headers[i].msg_hdr.msg_iovlen = 1;
    }
    int n = recvmmsg(e->fd, e->in_headers, IN_ROWS, MSG_DONTWAIT, NULL);
    return n > 0 ? n : 0;
}

static void hand_up(struct engine *e, const uint8_t *name, const uint8_t *data, int size) {
    uint8_t *at = record(&e->queues[OTHERS], 8 + NAME_LENGTH + (size_t)size);
    if (!at) {
        e->counts.dropped_malformed++;
        return;
    }
    uint64_t n = (uint64_t)size;
    memcpy(at, &n, 8);
    memset(at + 8, 0, NAME_LENGTH);
    memcpy(at + 8, name, (size_t)e->key_length);
    memcpy(at + 8 + NAME_LENGTH, data, (size_t)size);
}

static void process_batch(struct engine *e, int n) {
    e->counts.received += n;
    for (int i = 0; i < n; i++) {
        uint8_t *data = e->in[i];
        int size = (int)e->in_headers[i].msg_len;
        int first = size ? data[0] : 255;
        if (127 < first && first < 192) {
            struct address *a = find_address(e, e->in_names[i]);
            if (!a || !a->leg->rx) e->counts.dropped_foreign++;
            else if (191 < data[1] && data[1] < 224) on_rtcp(e, a->leg, data, size);
            else on_rtp(e, a->leg, data, size);
        } else if (first < 4 || (19 < first && first < 64)) {
            hand_up(e, e->in_names[i], data, size);
        } else {
            e->counts.dropped_malformed++;
        }
    }
    if (e->n_probing) probe(e);
    flush(e);
}

static int64_t wall_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Tells the reader that something waits for it; once, until it has looked. */
static void wake_reader(struct engine *e, int ticked) {
    int taps = e->queues[TAPS].count;
    if (e->signalled || !(e->queues[OTHERS].count || taps >= FRESH_TAPS || (ticked && taps))) return;
    uint64_t one_more = 1;
    e->signalled = write(e->event_fd, &one_more, sizeof one_more) == sizeof one_more;
}

static void *run(void *argument) {
    struct engine *e = argument;
    int full = 0, some = 0, busy = 0, taken = 0;
    int64_t since_ms = 0;
    const struct timespec gather = {0, GATHER_NS}, half = {0, GATHER_NS / 2};
    /* Where it may, this thread goes before whatever else wants the core, as telephone exchanges do it: it works
     * some microseconds per packet and sleeps, and a packet that waits for somebody's garbage collector is late. */
    struct sched_param first_in_line = {.sched_priority = 1};
    pthread_setschedparam(pthread_self(), SCHED_RR, &first_in_line);
    while (!__atomic_load_n(&e->stopping, __ATOMIC_ACQUIRE)) {
        struct pollfd p = {e->fd, POLLIN, 0};
        /* Where something came just now more will: then packets need not wake this thread at all, and wait as long
         * on the average as the one that did. */
        if (busy && some) nanosleep(&gather, NULL);
        else if (!full && poll(&p, 1, TICK_MS / 5) > 0 && busy) nanosleep(&half, NULL);
        int n = take_batch(e);
        full = n == IN_ROWS;
        some = n > 0 && !full;
        /* A mutex is not fair: under load this thread would take it again before Python has woken up. */
        for (int i = 0; i < 1000 && __atomic_load_n(&e->waiting, __ATOMIC_ACQUIRE); i++) sched_yield();
        pthread_mutex_lock(&e->lock);
        set_time(e, wall_ms());
        taken += n;
        if (e->now_ms - since_ms >= RATE_MS || e->now_ms < since_ms) {
            busy = taken >= BUSY_PACKETS;
            since_ms = e->now_ms;
            taken = 0;
        }
        if (n) process_batch(e, n);
        int due = e->now_ms >= e->next_tick_ms || e->next_tick_ms - e->now_ms > TICK_MS; /* the clock may be set back */
        if (due) {
            e->next_tick_ms = e->now_ms + TICK_MS;
            tick(e);
        }
        wake_reader(e, due);
        pthread_mutex_unlock(&e->lock);
    }
    return NULL;
}

/* ---- legs.py: the calls of the control side ------------------------------------------------------ */

static void enter(struct engine *e) {
    __atomic_add_fetch(&e->waiting, 1, __ATOMIC_ACQ_REL);
    pthread_mutex_lock(&e->lock);
    __atomic_sub_fetch(&e->waiting, 1, __ATOMIC_ACQ_REL);
}

static void done(struct engine *e) {
    flush(e);
    pthread_mutex_unlock(&e->lock);
}

/* Which text of this file the library was made of: another one has other structures. */
uint64_t engine_digest(void) { return SOURCE_DIGEST; }

struct engine *engine_new(int fd, int name_length, int key_length, uintptr_t protect, uintptr_t unprotect,
                          uintptr_t protect_rtcp, uintptr_t unprotect_rtcp, int64_t silent_ms, int64_t gone_ms,
                          int64_t video_bps, int event_fd) {
    struct engine *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    pthread_mutex_init(&e->lock, NULL);
    e->fd = fd;
    e->event_fd = event_fd;
    e->name_length = name_length;
    e->key_length = key_length;
    e->protect = (transform *)protect;
    e->unprotect = (transform *)unprotect;
    e->protect_rtcp = (transform *)protect_rtcp;
    e->unprotect_rtcp = (transform *)unprotect_rtcp;
    e->silent_ms = silent_ms;
    e->gone_ms = gone_ms;
    e->video_bps = video_bps;
    e->drains = 1;
    int off = 0;
    e->gso = setsockopt(fd, SOL_UDP, UDP_SEGMENT, &off, sizeof off) == 0;
    static const int most[QUEUES] = {MAX_OTHERS, MAX_TAPS, MAX_SYNCS, MAX_FEEDBACK, MAX_NOTICES, INT32_MAX};
    for (int i = 0; i < QUEUES; i++) e->queues[i].most = most[i];
    return e;
}

int engine_start(struct engine *e) {
    set_time(e, wall_ms()); /* whoever comes before the thread's first turn was not away since 1970 */
    sigset_t all, before; /* signals are for the thread that runs Python */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    e->threaded = pthread_create(&e->thread, NULL, run, e) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return e->threaded;
}

void engine_stop(struct engine *e) {
    __atomic_store_n(&e->stopping, 1, __ATOMIC_RELEASE);
    if (e->threaded) pthread_join(e->thread, NULL);
    e->threaded = 0;
}

void engine_receive(struct engine *e, int64_t now_ms) {
    enter(e);
    set_time(e, now_ms);
    for (int i = 0; i < 4; i++) { /* bounded, so that timers run under any flood */
        int n = take_batch(e);
        process_batch(e, n);
        if (n < IN_ROWS) break;
    }
    done(e);
}

void engine_tick(struct engine *e, int64_t now_ms) {
    enter(e);
    set_time(e, now_ms);
    tick(e);
    done(e);
}

void engine_clear_event(struct engine *e) {
    uint64_t seen;
    enter(e);
    if (e->signalled && read(e->event_fd, &seen, sizeof seen) == sizeof seen) e->signalled = 0;
    done(e);
}

static void end_publication(struct engine *e, struct leg *leg, int kind) {
    struct publication *p = leg->publications[kind];
    if (!p) return;
    while (p->subscribers.n) connect_line(e, p->subscribers.v[0], NULL);
    for (int i = leg->n_streams - 1; i >= 0; i--)
        if (leg->streams[i].layer && leg->streams[i].layer->publication == p) forget_stream(leg, &leg->streams[i]);
    for (int i = 0; i < p->n_layers; i++) layer_free(p->layers[i]);
    free(p->subscribers.v);
    free(p->seekers.v);
    free(p);
    leg->publications[kind] = NULL;
}

static void end_line(struct engine *e, struct subscription *s) {
    connect_line(e, s, NULL);
    drop(&e->announced, s);
    free(s);
}

/* Takes over a negotiation. Slots that were promised before keep their state. */
static void use_spec(struct engine *e, struct leg *leg, const struct leg_spec *spec) {
    leg->spec = *spec;
    for (int kind = 0; kind < KINDS; kind++)
        if (spec->publishes[kind] && !leg->publications[kind]) leg->publications[kind] = publication_new(leg, kind);
    for (int i = 0; i < spec->slots && i < MAX_SLOTS; i++) {
        if (i == leg->n_slots) leg->n_slots++;
        for (int line = 0; line < 2; line++) {
            const struct line_spec *promise = &spec->line[i][line];
            if (!promise->promised) continue;
            struct subscription **s = &leg->lines[i][line];
            if (*s && (*s)->ssrc != promise->ssrc) {
                end_line(e, *s);
                *s = NULL;
            }
            if (!*s) *s = subscription_new(leg, i, line, promise);
            prepare(*s, spec, promise);
        }
    }
}

static void renegotiate(struct engine *e, struct leg *leg, const struct leg_spec *spec) {
    for (int kind = 0; kind < KINDS; kind++) {
        struct publication *p = leg->publications[kind];
        if (p && (!spec->publishes[kind] || spec->rids[kind] != p->n_rids || memcmp(spec->rid[kind], p->rids, sizeof p->rids)))
            end_publication(e, leg, kind);
    }
    int same = !memcmp(leg->spec.codec_of, spec->codec_of, sizeof spec->codec_of) &&
               !memcmp(leg->spec.rtx_of, spec->rtx_of, sizeof spec->rtx_of);
    use_spec(e, leg, spec);
    for (int i = leg->n_streams - 1; i >= 0; i--)
        if (!leg->streams[i].layer) forget_stream(leg, &leg->streams[i]);
    if (!same) hold(e, leg); /* an ICE restart must not cost a keyframe */
}

void engine_open_leg(struct engine *e, int64_t id, const struct leg_spec *spec) {
    enter(e);
    struct leg *leg = find_leg(e, id);
    if (leg) {
        renegotiate(e, leg, spec);
    } else if ((leg = calloc(1, sizeof *leg))) {
        leg->id = id;
        leg->report_ssrc = spec->report_ssrc;
        leg->opened_ms = leg->heard_ms = e->now_ms;
        leg->reference = leg->arrivals_top = leg->arrivals_next = -1;
        leg->rtcp_left = RTCP_PER_TICK;
        leg->first_row = -1;
        leg->previous = e->last;
        *(e->last ? &e->last->next : &e->first) = leg;
        e->last = leg;
        leg->chain = e->by_id[(uint64_t)id % BUCKETS];
        e->by_id[(uint64_t)id % BUCKETS] = leg;
        e->n_legs++;
        use_spec(e, leg, spec);
    }
    for (int kind = 0; leg && kind < KINDS; kind++)
        if (leg->publications[kind]) allow(leg->publications[kind], spec->allowance_bps[kind], e->now_ms);
    done(e);
}

void engine_set_keys(struct engine *e, int64_t id, uintptr_t rx, uintptr_t tx) {
    enter(e);
    struct leg *leg = find_leg(e, id);
    if (leg) {
        leg->rx = (void *)rx;
        leg->tx = (void *)tx;
        leg->connected_once = 1;
        leg->heard_ms = e->now_ms;
        for (int i = 0; i < leg->n_slots; i++)
            for (int line = 0; line < 2; line++)
                if (leg->lines[i][line]) {
                    restart(e, leg->lines[i][line]);
                    ask_for(e, leg->lines[i][line]);
                }
    }
    done(e);
}

static void forget_address(struct engine *e, struct leg *leg, struct address *a) {
    for (int i = 0; i < leg->n_addresses; i++)
        if (leg->addresses[i] == a)
            memmove(&leg->addresses[i], &leg->addresses[i + 1], sizeof a * (size_t)(--leg->n_addresses - i));
    struct address **at = &e->by_address[bucket(e, a->key)];
    while (*at && *at != a) at = &(*at)->next;
    if (*at) *at = a->next;
    if (leg->selected == a) {
        leg->selected = NULL;
        hold(e, leg);
    }
    free(a);
}

void engine_set_address(struct engine *e, int64_t id, const uint8_t *name, int selected) {
    enter(e);
    struct leg *leg = find_leg(e, id);
    if (leg) {
        leg->heard_ms = e->now_ms;
        struct address *a = find_address(e, name);
        if (!a || a->leg != leg) {
            if (a) {
                /* in use: a participant who can fake source addresses cannot take another's */
                if (!a->leg->gone && e->now_ms - a->leg->heard_ms < HELD_MS) {
                    done(e);
                    return;
                }
                forget_address(e, a->leg, a);
            }
            if (!(a = calloc(1, sizeof *a))) abort();
            memcpy(a->key, name, (size_t)e->key_length);
            a->leg = leg;
            a->next = e->by_address[bucket(e, a->key)];
            e->by_address[bucket(e, a->key)] = a;
            leg->addresses[leg->n_addresses++] = a;
            for (int i = 0; leg->n_addresses > MAX_ADDRESSES && i < leg->n_addresses; i++)
                if (leg->addresses[i] != a && leg->addresses[i] != leg->selected) {
                    forget_address(e, leg, leg->addresses[i]);
                    break;
                }
        }
        if ((selected || !leg->selected) && leg->selected != a) {
            int first = !leg->selected;
            leg->selected = a;
            memcpy(leg->name, name, NAME_LENGTH);
            for (int i = 0; first && i < leg->n_slots; i++)
                for (int line = 0; line < 2; line++)
                    if (leg->lines[i][line]) ask_for(e, leg->lines[i][line]);
        }
    }
    done(e);
}

int64_t engine_owner(struct engine *e, const uint8_t *name) {
    enter(e);
    struct address *a = find_address(e, name);
    int64_t id = a ? a->leg->id : -1;
    done(e);
    return id;
}

static void close_leg(struct engine *e, struct leg *leg) {
    flush(e); /* what is queued points to it */
    end_probe(e, leg);
    while (leg->n_addresses) forget_address(e, leg, leg->addresses[0]);
    for (int kind = 0; kind < KINDS; kind++) end_publication(e, leg, kind);
    for (int i = 0; i < leg->n_slots; i++)
        for (int line = 0; line < 2; line++)
            if (leg->lines[i][line]) end_line(e, leg->lines[i][line]);
    flush(e);
    *(leg->previous ? &leg->previous->next : &e->first) = leg->next;
    *(leg->next ? &leg->next->previous : &e->last) = leg->previous;
    struct leg **at = &e->by_id[(uint64_t)leg->id % BUCKETS];
    while (*at && *at != leg) at = &(*at)->chain;
    if (*at) *at = leg->chain;
    e->n_legs--;
    free(leg);
}

void engine_close_leg(struct engine *e, int64_t id) {
    enter(e);
    struct leg *leg = find_leg(e, id);
    if (leg) close_leg(e, leg);
    done(e);
}

void engine_free(struct engine *e) {
    engine_stop(e);
    while (e->first) close_leg(e, e->first);
    for (int i = 0; i < QUEUES; i++) {
        free(e->queues[i].data);
        free(e->queues[i].out);
    }
    for (int i = 0; i < e->reached.n; i++) free(e->reached.v[i]);
    free(e->reached.v);
    free(e->announced.v);
    free(e->scratch.v);
    free(e->promoted.v);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static struct subscription *line_of(struct engine *e, int64_t receiver, int slot, int line) {
    struct leg *leg = find_leg(e, receiver);
    return leg && slot >= 0 && slot < leg->n_slots && (line == AUDIO || line == VIDEO) ? leg->lines[slot][line] : NULL;
}

static struct publication *publication_of(struct engine *e, int64_t id, int kind) {
    struct leg *leg = find_leg(e, id);
    return leg && kind >= 0 && kind < KINDS ? leg->publications[kind] : NULL;
}

void engine_route(struct engine *e, int64_t receiver, int slot, int line, int64_t publisher, int kind) {
    enter(e);
    struct subscription *s = line_of(e, receiver, slot, line);
    struct publication *p = (kind == AUDIO) == (line == AUDIO) ? publication_of(e, publisher, kind) : NULL;
    if (s && s->source != p) connect_line(e, s, p);
    done(e);
}

void engine_select(struct engine *e, int64_t receiver, int slot, int layer, int temporal) {
    enter(e);
    struct subscription *s = line_of(e, receiver, slot, VIDEO);
    if (s) {
        s->want_layer = layer;
        limit_frames(s, temporal);
        aim(e, s);
    }
    done(e);
}

int engine_layers(struct engine *e, int64_t id, int kind, struct layer_figures *out) {
    enter(e);
    struct publication *p = publication_of(e, id, kind);
    int n = p ? p->n_layers : 0;
    for (int i = 0; i < n; i++) out[i] = figures(p->layers[i], e->now_ms);
    done(e);
    return n;
}

int engine_levels(struct engine *e, struct level *out, int most) {
    enter(e);
    int n = 0;
    for (struct leg *leg = e->first; leg && n < most; leg = leg->next) {
        struct publication *p = leg->publications[AUDIO];
        if (!p) continue;
        int quiet = e->now_ms - p->last_ms > LOUD_MS;
        out[n++] = (struct level){leg->id, quiet ? SILENCE : (int)((p->level256 + 128) >> 8)};
    }
    done(e);
    return n;
}

void engine_limit(struct engine *e, int64_t id, int kind, int64_t bps) {
    enter(e);
    struct publication *p = publication_of(e, id, kind);
    if (p) p->limit_bps = bps > 0 ? bps : 0;
    done(e);
}

void engine_probe(struct engine *e, int64_t id, int64_t bps, int64_t ms) {
    enter(e);
    struct leg *leg = find_leg(e, id);
    if (leg && (bps <= 0 || ms <= 0)) {
        end_probe(e, leg);
        leg->tell_until_ms = 0;
    } else if (leg) {
        leg->probe_bps = bps < MAX_PROBE_BPS ? bps : MAX_PROBE_BPS;
        leg->probe_from_ms = e->now_ms;
        leg->probe_until_ms = e->now_ms + (ms < MAX_PROBE_MS ? ms : MAX_PROBE_MS);
        leg->probe_sent = 0;
        leg->tell_until_ms = leg->probe_until_ms;
        e->n_probing += !leg->probing;
        leg->probing = 1;
    }
    done(e);
}

void engine_tap(struct engine *e, int64_t id, int kind, int on) {
    enter(e);
    struct publication *p = publication_of(e, id, kind);
    if (p && p->tapped != on) {
        p->tapped = on;
        p->tap_layer = on && p->n_layers == 1 ? p->layers[0] : NULL;
        struct layer *best = highest_living(p, p->n_layers - 1, e->now_ms);
        if (on && best) ask_keyframe(e, best, 1);
    }
    done(e);
}

void engine_request_keyframe(struct engine *e, int64_t id, int kind) {
    enter(e);
    struct publication *p = publication_of(e, id, kind);
    if (p) {
        struct layer *wanted = p->tap_layer ? p->tap_layer : highest_living(p, p->n_layers - 1, e->now_ms);
        for (int i = 0; i < p->n_layers; i++)
            if (p->layers[i] == wanted || p->layers[i]->live.n || p->layers[i]->thin.n) ask_keyframe(e, p->layers[i], 1);
    }
    done(e);
}

int64_t engine_drain(struct engine *e, int queue, uint8_t **data) {
    if (queue < 0 || queue >= QUEUES) return 0;
    enter(e);
    int64_t n = drain(&e->queues[queue], data);
    done(e);
    return n;
}

int64_t engine_drain_reached(struct engine *e, uint8_t **data) {
    enter(e);
    for (struct leg *leg = e->first; leg; leg = leg->next) {
        for (int i = 0; i < leg->n_slots; i++)
            for (int line = 0; line < 2; line++)
                if (leg->lines[i][line]) account(e, leg->lines[i][line]);
        for (int kind = 0; kind < KINDS; kind++)
            for (int i = 0; leg->publications[kind] && i < leg->publications[kind]->n_layers; i++)
                leg->publications[kind]->layers[i]->window_ms = 0;
    }
    for (int i = 0; i < e->reached.n; i++) {
        uint8_t *at = record(&e->queues[REACHED], sizeof(struct reached));
        if (at) memcpy(at, e->reached.v[i], sizeof(struct reached));
        free(e->reached.v[i]);
    }
    e->reached.n = 0;
    e->drains++;
    int64_t n = drain(&e->queues[REACHED], data);
    done(e);
    return n;
}

void engine_read_counts(struct engine *e, struct engine_counts *out) {
    enter(e);
    *out = e->counts;
    done(e);
}

int engine_read_legs(struct engine *e, struct leg_figures *out, int most) {
    enter(e);
    int n = 0;
    for (struct leg *leg = e->first; leg && n < most; leg = leg->next)
        out[n++] = (struct leg_figures){leg->id, leg->limit_bps, leg->bad, leg->heard_ms, leg->lost};
    done(e);
    return n;
}
