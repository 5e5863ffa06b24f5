/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "kube/reflector.h"
#include "kube/refusal.h"

/* A watch that ends sooner is a failure, unless it brought something new; and a few times even then. */
#define REFLECTOR_WATCH_MIN (1 * USEC_PER_SEC)

typedef enum ReflectorAsking {
        ASKING_WATCH_LIST,
        ASKING_LIST,
        ASKING_WATCH,
} ReflectorAsking;

struct Reflector {
        KubeQuery query;
        ReflectorSink *sink;
        KubeServerTraits *traits;
        usec_t backoff_cap;
        uint64_t random;

        ReflectorState state;
        ReflectorAsking asking;
        usec_t deadline;
        usec_t requested, answered;
        bool api_ready;
        bool open; /* the owner carries a request of ours */
        bool close_pending, credentials_pending, request_pending;
        char *path;

        bool in_sync;
        ReflectorTrouble trouble;
        char *detail;

        char *resource_version; /* to go on from; NULL: list first */
        char *listed_version;   /* of the listing whose pages are coming */
        char *continue_token;   /* of its next page */
        unsigned pages;

        KubeScanner scanner;
        bool frames;  /* the answer has brought a frame */
        bool initial; /* … and the last one is an ADDED, or there is none yet */
        bool news;    /* … that moved resource_version */

        unsigned status;
        usec_t retry_after;
        Buffer body;
        KubeRefusal refusal;

        unsigned failures; /* in a row */
        unsigned short_watches;
        unsigned fruitless; /* watches that failed, maybe because of resource_version */
        bool credentials_asked;
        bool no_watch_list; /* for this stream, with this generation of the server */
        uint64_t no_watch_list_generation;

        ReflectorStats stats;
};

/* reflector-state.c: where a stream stands. */
void reflector_set_state(Reflector *r, ReflectorState state, usec_t deadline);
void reflector_set_sync(Reflector *r, bool in_sync, ReflectorTrouble trouble, const char *detail);
void reflector_in_sync_again(Reflector *r);
void reflector_watch_list_complete(Reflector *r);

/* reflector.c: what a stream does next. */
void reflector_forgive(Reflector *r, usec_t now);
void reflector_fail(Reflector *r, usec_t now, ReflectorTrouble trouble, const char *detail,
                    usec_t retry_after);
void reflector_forget_version(Reflector *r);
void reflector_doubt_version(Reflector *r);
void reflector_ask(Reflector *r, usec_t now);
void reflector_list_again(Reflector *r, usec_t now, const char *detail);
void reflector_fall_back(Reflector *r, usec_t now, const char *why);

/* For tests. */
bool reflector_in_sync(const Reflector *r);
ReflectorState reflector_state(const Reflector *r);
ReflectorTrouble reflector_trouble(const Reflector *r);
const char *reflector_detail(const Reflector *r);
const char *reflector_state_to_string(ReflectorState state);

/* reflector-answer.c: what an answer means. */
void reflector_end_of_refusal(Reflector *r, usec_t now);

/* reflector-frame.c: from frames to objects. */
extern const KubeScannerOps reflector_scanner_ops;
