/* SPDX-License-Identifier: Apache-2.0 */

/* What events say beyond an object's status.
 *
 * While the kubelet pulls an image, for up to two hours, the pod's status says no more than
 * ContainerCreating; the same while CRI-O cannot make its sandbox or the kubelet cannot mount a volume. Only
 * events tell the difference. A list has them in the order of their names, and the count of one grows in
 * place when it happens again. The resourceVersion, which grows with each write to etcd, tells which of two
 * is newer; no clock is involved.
 *
 * The digest keeps the state of each container's image (being pulled, failed, there), and the newest other
 * trouble of each object. A later event ends the trouble that it proves to be over: a pull means that the
 * sandbox exists and the volumes are mounted.
 *
 * Events outlive a reboot by three hours. An event from before this boot explains nothing in it. The wall
 * clock is used only for that, and for the age that people are told: a wrong clock costs an explanation,
 * never an answer. */

#include "diagnosis/events.h"

#include "base/hash.h"
#include "base/limits.h"
#include "base/string-util.h"

/* An event may seem older than this boot by this much: the kubelet rounds to whole seconds, and the clock
 * may be slewed. */
#define BOOT_SLACK_USEC (5 * USEC_PER_SEC)

typedef enum NoteState {
        NOTE_OVER, /* nothing to tell; older events are over as well */
        NOTE_PULLING,
        NOTE_FAILED,
        NOTE_TROUBLE,
} NoteState;

typedef struct Note {
        NoteState state;
        char *container; /* NULL: of the object itself */
        char *reason;
        char *message;
        char *words;   /* of the last failed pull */
        char *version; /* of the event that last changed it */
        usec_t since;  /* of a pull: boottime */
} Note;

typedef struct EventObject {
        char *uid;
        Note *pulls; /* by container */
        size_t n_pulls;
        Note trouble;
        UT_hash_handle hh;
} EventObject;

struct EventDigest {
        EventObject *objects; /* in the order of their newest events: the first is the next to be dropped */
        uint64_t pulls;
};

static void note_done(Note *n) {
        free(n->container);
        free(n->reason);
        free(n->message);
        free(n->words);
        free(n->version);
        *n = (Note){};
}

static void object_free(EventObject *o) {
        for (size_t i = 0; i < o->n_pulls; i++)
                note_done(&o->pulls[i]);
        free(o->pulls);
        note_done(&o->trouble);
        free(o->uid);
        free(o);
}

int event_digest_new(EventDigest **ret) {
        EventDigest *d = calloc(1, sizeof(*d));

        if (!d)
                return -ENOMEM;
        *ret = d;
        return 0;
}

EventDigest *event_digest_free(EventDigest *d) {
        if (!d)
                return NULL;
        event_digest_clear(d);
        free(d);
        return NULL;
}

/* Forgets all objects; the count of pulls stays. */
void event_digest_clear(EventDigest *d) {
        EventObject *o, *next;

        HASH_ITER(hh, d->objects, o, next) {
                HASH_DEL(d->objects, o);
                object_free(o);
        }
}

static EventObject *find_object(const EventDigest *d, const char *uid) {
        EventObject *o = NULL;

        if (uid)
                HASH_FIND_STR(d->objects, uid, o);
        return o;
}

/* Forgets an object, because it is deleted or ready. */
void event_digest_forget(EventDigest *d, const char *uid) {
        EventObject *o = find_object(d, uid);

        if (!o)
                return;
        HASH_DEL(d->objects, o);
        object_free(o);
}

/* How many images were pulled, as far as events have told. */
uint64_t event_digest_pulls(const EventDigest *d) {
        return d->pulls;
}

/* Makes the object's record the newest, and a new record if there is none; if there are too many, the oldest
 * is dropped. */
static int touch_object(EventDigest *d, const char *uid, EventObject **ret) {
        EventObject *o = find_object(d, uid);

        if (o)
                HASH_DEL(d->objects, o);
        else {
                o = calloc(1, sizeof(*o));
                if (!o)
                        return -ENOMEM;
                o->uid = strdup(uid);
                if (!o->uid) {
                        object_free(o);
                        return -ENOMEM;
                }
                if (HASH_COUNT(d->objects) >= LIMIT_EVENT_OBJECTS)
                        event_digest_forget(d, d->objects->uid);
        }

        HASH_ADD_KEYPTR(hh, d->objects, o->uid, strlen(o->uid), o);
        if (!o->hh.tbl) {
                object_free(o);
                return -ENOMEM;
        }
        *ret = o;
        return 0;
}

static int set_text(char **p, const char *s) {
        char *copy = NULL;

        if (s) {
                copy = strndup(s, utf8_truncate(s, LIMIT_MESSAGE));
                if (!copy)
                        return -ENOMEM;
        }
        free(*p);
        *p = copy;
        return 0;
}

/* The text between the first two quotes, which is the image in all messages about one. */
static int quoted_text(const char *message, char **ret) {
        const char *begin = strchr(message, '"'), *end = begin ? strchr(begin + 1, '"') : NULL;

        *ret = end && end > begin + 1 ? strndup(begin + 1, (size_t) (end - begin - 1)) : NULL;
        return end && end > begin + 1 && !*ret ? -ENOMEM : 0;
}

/* Converts a wall-clock time to boottime. False if it is from before this boot. */
static bool to_boottime(usec_t seen, usec_t boottime, usec_t realtime, usec_t *ret) {
        usec_t age = seen == 0 || seen > realtime ? 0 : realtime - seen;

        if (age > usec_add(boottime, BOOT_SLACK_USEC))
                return false;
        *ret = usec_sub(boottime, age);
        return true;
}

static Note *pull_of(EventObject *o, const char *container) {
        for (size_t i = 0; i < o->n_pulls; i++)
                if (streq(o->pulls[i].container, strempty(container)))
                        return &o->pulls[i];
        return NULL;
}

static int add_pull(EventObject *o, const char *container, Note **ret) {
        Note *n = pull_of(o, container);
        char *name;

        if (n) {
                *ret = n;
                return 0;
        }
        if (o->n_pulls >= LIMIT_EVENT_CONTAINERS)
                return -E2BIG;
        n = reallocarray(o->pulls, o->n_pulls + 1, sizeof(Note));
        if (!n)
                return -ENOMEM;
        o->pulls = n;
        name = strdup(strempty(container));
        if (!name)
                return -ENOMEM;

        o->pulls[o->n_pulls] = (Note){ .container = name };
        *ret = &o->pulls[o->n_pulls++];
        return 0;
}

/* Notes the state that the event tells of. 1, -ENOMEM. */
static int note_set(Note *n, NoteState state, const KubeEvent *e) {
        int r;

        r = set_text(&n->version, e->object.resource_version) ?: set_text(&n->reason, e->reason);
        if (r < 0)
                return r;
        n->state = state;
        return 1;
}

static int note_over(Note *n, const KubeEvent *e) {
        bool told = n->state != NOTE_OVER;
        int r;

        if (!kube_version_is_later(e->object.resource_version, n->version))
                return 0;
        r = set_text(&n->version, e->object.resource_version);
        if (r < 0)
                return r;
        n->state = NOTE_OVER;
        return told;
}

/* "pulling IMAGE", with the registry's last answer. */
static int on_pulling(Note *n, const KubeEvent *e, usec_t since) {
        _cleanup_free_ char *image = NULL, *message = NULL;
        int r;

        r = quoted_text(strempty(e->message), &image);
        if (r < 0)
                return r;
        if (n->words)
                r = asprintf_ret(&message, "pulling %s; the last attempt: %s", image ?: "an image",
                                 n->words);
        else
                r = asprintf_ret(&message, "pulling %s", image ?: "an image");
        if (r < 0)
                return r;
        r = set_text(&n->message, message);
        n->since = since;
        return r ?: note_set(n, NOTE_PULLING, e);
}

/* The kubelet tells of one failed pull in several events, of which only the first has the registry's words:
 * "Failed to pull image …: WORDS", then "Error: ErrImagePull", "Back-off pulling image …", "Error:
 * ImagePullBackOff". */
static int on_pull_failed(Note *n, const KubeEvent *e) {
        bool has_words = startswith(strempty(e->message), "Failed to ");
        int r = 0;

        if (has_words)
                r = set_text(&n->words, e->message);
        if (has_words || n->state != NOTE_FAILED)
                r = r ?: set_text(&n->message, n->words ?: e->message);
        return r ?: note_set(n, NOTE_FAILED, e);
}

static bool is_about_an_image(const KubeEvent *e) {
        static const char *const texts[] = {
                "Failed to pull image ",
                "Failed to inspect image ",
                "Failed to apply default image tag ",
                "Error: ErrImagePull",
                "Error: ImagePullBackOff",
                "Error: ErrImageNeverPull",
                "Error: ImageInspectError",
                "Error: InvalidImageName",
                "Error: RegistryUnavailable",
                "Error: SignatureValidationFailed",
                "Back-off pulling image ",
        };
        static const char *const reasons[] = { "ErrImageNeverPull", "InspectFailed", "InvalidImageName",
                                               NULL };

        if (strv_contains((char *const *) reasons, e->reason))
                return true;
        if (!streq(e->reason, "Failed") && !streq(e->reason, "BackOff"))
                return false;
        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (startswith(strempty(e->message), texts[i]))
                        return true;
        return false;
}

/* An event about an image means that the sandbox exists and the volumes are mounted; the start of a
 * container ends that container's own trouble too. */
static int trouble_over(EventObject *o, const KubeEvent *e) {
        bool own = o->trouble.container != NULL;

        if (own && !(streq(e->reason, "Started") && streq_ptr(o->trouble.container, e->container)))
                return 0;
        return note_over(&o->trouble, e);
}

static int on_trouble(EventObject *o, const KubeEvent *e) {
        Note *n = &o->trouble;
        int r;

        if (!kube_version_is_later(e->object.resource_version, n->version))
                return 0;
        r = set_text(&n->container, isempty(e->container) ? NULL : e->container)
                    ?: set_text(&n->message, e->message);
        return r ?: note_set(n, NOTE_TROUBLE, e);
}

static int on_image(EventDigest *d, EventObject *o, const KubeEvent *e, usec_t since) {
        Note *n;
        int r;

        r = add_pull(o, e->container, &n);
        if (r == -E2BIG)
                return 0;
        if (r < 0 || !kube_version_is_later(e->object.resource_version, n->version))
                return r;

        if (streq(e->reason, "Pulling"))
                return on_pulling(n, e, since);
        if (is_about_an_image(e))
                return on_pull_failed(n, e);

        if (streq(e->reason, "Pulled") && startswith(strempty(e->message), "Successfully pulled"))
                d->pulls++;
        n->words = mfree(n->words);
        return note_over(n, e);
}

static bool is_progress(const char *reason) {
        return streq(reason, "Pulling") || streq(reason, "Pulled") || streq(reason, "Created") ||
               streq(reason, "Started");
}

/* The reason of the trouble that an event of this reason ends, or NULL. */
static const char *takes_back(const char *reason) {
        if (streq(reason, "Scheduled"))
                return "FailedScheduling";
        return streq(reason, "SuccessfulCreate") ? "FailedCreate" : NULL;
}

/* Warnings that name no cause. They come with each attempt, or with each new pod, and must not hide one that
 * does. */
static bool is_aside(const char *reason) {
        static const char *const reasons[] = { "DNSConfigForming",    "FailedToRetrieveImagePullSecret",
                                               "ProbeWarning",        "FailedDaemonPod",
                                               "RecreatingFailedPod", NULL };

        return strv_contains((char *const *) reasons, reason);
}

/* Takes in an event; boottime and realtime are now. Returns 1 if that may change the object's explanation,
 * else 0; -ENOMEM. */
int event_digest_feed(EventDigest *d, const KubeEvent *e, usec_t boottime, usec_t realtime) {
        EventObject *o;
        int r = 0, k = 0;
        usec_t since;

        if (isempty(e->regarding_uid) || isempty(e->reason) || is_aside(e->reason))
                return 0;
        if (!to_boottime(e->last_seen ?: e->first_seen, boottime, realtime, &since))
                return 0;
        if (!is_progress(e->reason) && !takes_back(e->reason) && !streq_ptr(e->type, "Warning") &&
            !is_about_an_image(e))
                return 0;

        r = touch_object(d, e->regarding_uid, &o);
        if (r < 0)
                return r;
        if (is_progress(e->reason) || is_about_an_image(e)) {
                r = on_image(d, o, e, since);
                k = trouble_over(o, e);
        } else if (!takes_back(e->reason))
                r = on_trouble(o, e);
        else if (streq_ptr(o->trouble.reason, takes_back(e->reason)))
                r = note_over(&o->trouble, e);
        return r < 0 ? r : k < 0 ? k : r > 0 || k > 0;
}

/* The best explanation why the object is not ready: an image being pulled, else the newest trouble. False if
 * there is none. */
bool event_digest_explain(const EventDigest *d, const char *uid, EventExplanation *ret) {
        const EventObject *o = find_object(d, uid);
        const Note *best = NULL;

        if (!o)
                return false;
        for (size_t i = 0; i < o->n_pulls; i++) {
                const Note *n = &o->pulls[i];

                if (n->state == NOTE_OVER ||
                    (best && n->state == NOTE_FAILED && best->state == NOTE_PULLING))
                        continue;
                if (!best || (n->state == NOTE_PULLING && best->state == NOTE_FAILED) ||
                    kube_version_is_later(n->version, best->version))
                        best = n;
        }
        if (o->trouble.state == NOTE_TROUBLE &&
            (!best ||
             (best->state == NOTE_FAILED && kube_version_is_later(o->trouble.version, best->version))))
                best = &o->trouble;
        if (!best)
                return false;

        *ret = (EventExplanation){
                .reason = best->reason,
                .message = strempty(best->message),
                .pulling = best->state == NOTE_PULLING,
                .since = best->state == NOTE_PULLING ? best->since : 0,
        };
        return true;
}
