/* SPDX-License-Identifier: Apache-2.0 */

/* A gate: checks, what they say together, and a state over time. */

#include "ready/gate.h"

#include "ready/life.h"

/* 60 s after /readyz MicroShift has applied all that this build ships. */
#define NOT_FOUND_USEC (60 * USEC_PER_SEC)

void gate_setup_done(GateSetup *s) {
        gate_definition_free(s->definition);
        free(s->cause);
        *s = (GateSetup){};
}

/* Why the gate cannot be evaluated: its files, or a condition that could not be read, with file and line. NULL
 * where it can be evaluated, and where it is certainly disabled. */
const char *gate_setup_trouble(const GateSetup *s) {
        return s->definition->invalid ?: (s->enabled ? s->cause : NULL);
}

/* Makes a gate that waits, or is disabled. *setup is taken on success and empty then. */
int gate_new(GateSetup *setup, Instant now, Gate **ret) {
        _cleanup_(gate_freep) Gate *g = NULL;
        const GateDefinition *d = setup->definition;
        bool controlled = false;
        int r;

        g = calloc(1, sizeof(Gate));
        if (!g)
                return -ENOMEM;
        g->report = REPORT_INIT;
        g->report.evidence = EVIDENCE_NONE;
        g->changed = now.boottime;
        g->clock.state = setup->enabled ? GATE_WAITING : GATE_DISABLED;
        g->told = g->clock.state;

        g->checks = calloc(d->n_checks + 1, sizeof(Check));
        if (!g->checks)
                return -ENOMEM;
        r = gate_definition_checks_hash(d, &g->checks_hash);
        if (r < 0)
                return r;
        for (size_t i = 0; i < d->n_checks; i++) {
                check_init(&g->checks[g->n_checks++], d->checks[i]);
                controlled = controlled || g->checks[i].kind->syntax.is_controller;
        }
        for (size_t i = 0; i < g->n_checks; i++)
                g->checks[i].controlled =
                        controlled && check_definition_needs_controller(g->checks[i].definition);

        g->setup = *setup;
        *setup = (GateSetup){};
        *ret = TAKE_PTR(g);
        return 0;
}

void gate_forget_kept(Gate *g) {
        for (size_t i = 0; i < g->n_kept; i++) {
                free(g->kept[i].namespace);
                free(g->kept[i].pod);
                free(g->kept[i].pod_uid);
                free(g->kept[i].container);
                free(g->kept[i].id);
                strv_free(g->kept[i].beside);
        }
        g->kept = mfree(g->kept);
        g->n_kept = 0;
}

Gate *gate_free(Gate *g) {
        if (!g)
                return NULL;

        gate_forget_kept(g);
        report_done(&g->report);
        blocker_done(&g->waited_for);
        trail_done(&g->trail);
        free(g->checks);
        gate_setup_done(&g->setup);
        return mfree(g);
}

GateState gate_state(const Gate *g) {
        return g->clock.state;
}

const char *gate_name(const Gate *g) {
        return g->setup.definition->name;
}

/* The index of the first blocker that tells what a gate waits for, n_blockers without any: what has not been asked yet
 * may not block it at all. */
static size_t find_known_blocker(const Report *r) {
        size_t i = 0;

        while (i < r->n_blockers && streq(r->blockers[i].reason, REASON_NOT_ASKED))
                i++;
        return i;
}

/* The gate's first blocker, or the last one that it had where it has none now. NULL: it never had one. */
const Blocker *gate_waited_for(const Gate *g) {
        const Report *r = &g->report;
        size_t known = find_known_blocker(r);

        if (known < r->n_blockers)
                return &r->blockers[known];
        if (r->n_blockers > 0 && gate_state(g) == GATE_UNKNOWN)
                return &r->blockers[0];
        return g->waited_for.reason ? &g->waited_for : NULL;
}

/* When (boottime) what is shown of an object that the gate looks at was last seen to change. */
usec_t gate_watched_changed(const Gate *g, const Watched *watched) {
        const WorldObject *o = watched->object;

        if (o && o->object->kind == KUBE_POD)
                return o->shown;
        return trail_changed(&g->trail, watched->kind, watched->namespace, watched->name) ?: watched->since;
}

/* A gate whose conditions do not apply here is never required. */
bool gate_is_required(const Gate *g) {
        return g->setup.required && gate_state(g) != GATE_DISABLED;
}

/* Rule R7: tells the conditions of a gate that their controller has been TRUE for the first time. */
static void tell_conditions(Gate *g, Instant now) {
        bool all = true, any = false;

        for (size_t i = 0; i < g->n_checks; i++)
                if (g->checks[i].kind->syntax.is_controller && !g->checks[i].is_set_aside) {
                        any = true;
                        all = all && g->checks[i].evidence == EVIDENCE_TRUE;
                }
        if (!any || !all)
                return;

        for (size_t i = 0; i < g->n_checks; i++) {
                Check *c = &g->checks[i];

                if (c->controlled && !c->controller_was_true) {
                        c->controller_was_true = true;
                        c->controller_true_since = now.monotonic;
                }
        }
}

static bool is_open(const Gate *g) {
        return gate_state(g) == GATE_READY || gate_state(g) == GATE_UNKNOWN;
}

/* Rule R4: what a check counts depends on whether its gate is open. */
static void tell_state(Gate *g) {
        for (size_t i = 0; i < g->n_checks; i++)
                g->checks[i].gate_is_open = is_open(g);
}

/* Rule R4: a check that does not apply here does not count beside one that does. A condition that waits for the word
 * of its controller is none, and needs a controller that applies: else it would wait for ever, and what it waits for
 * would not be told. */
static void set_aside(Gate *g, const World *w) {
        bool any = false, any_waits = false, any_controller = false;

        for (size_t i = 0; i < g->n_checks; i++) {
                Check *c = &g->checks[i];

                c->is_set_aside = c->kind->applies && !c->kind->applies(c, w);
                any = any || (!c->is_set_aside && !c->controlled);
                any_waits = any_waits || (c->controlled && !c->stands);
                any_controller = any_controller || (!c->is_set_aside && c->kind->syntax.is_controller);
        }
        if (any_waits)
                any = any_controller;
        for (size_t i = 0; i < g->n_checks; i++) {
                g->checks[i].is_set_aside = g->checks[i].is_set_aside && any;
                if (g->checks[i].is_set_aside)
                        g->checks[i].evidence = EVIDENCE_NONE;
        }
}

static bool is_dead_for_good(const KeptContainer *k) {
        return life_is_dead(k->life) && !k->is_restarted;
}

/* Rule R4: whether its check can do without all of its pods that are dead. */
static bool is_spared(const Gate *g, const KeptContainer *k) {
        const KeptContainer *end = g->kept + g->n_kept;
        unsigned n = 0;

        for (const KeptContainer *a = g->kept; a < end; a++) {
                const KeptContainer *b = g->kept;

                if (a->check != k->check || !is_dead_for_good(a))
                        continue;
                while (b < a &&
                       !(b->check == a->check && is_dead_for_good(b) && streq(b->pod_uid, a->pod_uid)))
                        b++;
                n += b == a; /* the first of its pod */
        }
        return n <= k->spare;
}

/* Rule R6: a container that proved the gate before the daemon restarted, and that is dead now. */
static int judge_kept(Gate *g, Judging *j) {
        int r;

        if (!is_open(g) || j->report->evidence != EVIDENCE_NONE)
                return 0;

        for (size_t i = 0; i < g->n_kept; i++) {
                const KeptContainer *k = &g->kept[i];
                Watched watched = { .kind = "Pod", .namespace = k->namespace, .name = k->pod };

                if (!is_dead_for_good(k) || is_spared(g, k))
                        continue;
                j->report->evidence = EVIDENCE_FALSE;
                watched.finding.reason = REASON_UNPROVEN;
                life_tell_dead(&watched.finding, j->world, "its", k->container, k->life);
                watched.finding.evidence = EVIDENCE_FALSE;
                r = report_see(j, &watched);
                return r < 0 ? r : report_add(j, &watched);
        }
        return 0;
}

/* Reports no evidence, and a blocker that names the gate itself. */
static int judge_itself(const Gate *g, Judging *j, const char *reason, const char *message) {
        j->report->evidence = EVIDENCE_NONE;
        return report_add(j, &(Watched){
                                     .kind = "Gate",
                                     .name = gate_name(g),
                                     .finding = { .reason = reason, .message = message },
                             });
}

/* The streams that its checks share with others, as 1 << StreamRole: not those of [Condition], whose objects have a
 * stream each, found by its key. */
static unsigned shared_roles(const Gate *g) {
        unsigned roles = 0;

        for (size_t i = 0; i < g->n_checks; i++)
                roles |= check_roles(&g->checks[i]);
        return roles & ~(1U << STREAM_GENERIC);
}

/* The daemon drops objects that no gate looks at. So a stream that is older than this gate lacks the objects that
 * only this gate looks at, though it is in sync for other gates. Returns the newest stream of a role of which only
 * such streams are in sync, or NULL. */
static const WorldStream *find_unlisted(const Gate *g, const World *w) {
        unsigned roles = shared_roles(g);

        for (StreamRole role = 0; role < _STREAM_ROLE_MAX; role++) {
                const WorldStream *newest = NULL;
                bool any = false, listed = false;

                for (const WorldStream *s = w->streams; s && (roles & 1U << role); s = s->next) {
                        if (s->role != role)
                                continue;
                        newest = newest ?: s;
                        any = any || s->in_sync;
                        listed = listed || (s->in_sync && s->interest >= g->interest);
                }
                if (any && !listed)
                        return newest;
        }
        return NULL;
}

/* A gate that cannot be evaluated. */
static bool is_invalid(const Gate *g) {
        return g->setup.enabled && (gate_setup_trouble(&g->setup) || g->n_checks == 0);
}

/* Whether its checks are asked: it is enabled, and can be evaluated. */
bool gate_is_asked(const Gate *g) {
        return gate_state(g) != GATE_DISABLED && !is_invalid(g);
}

/* unlisted: as find_unlisted() found it. */
static int judge_all(Gate *g, const WorldStream *unlisted, Judging *j) {
        int r;

        if (is_invalid(g))
                return judge_itself(g, j, REASON_INVALID_GATE,
                                    g->setup.definition->invalid ?: g->setup.cause);
        if (unlisted) {
                r = judge_itself(g, j, unlisted->reason ?: REASON_NOT_SYNCED,
                                 unlisted->message ?: "what it looks at is being listed");
                return r < 0 ? r : judge_kept(g, j);
        }

        set_aside(g, j->world);
        /* Controllers first, so that a condition is judged by their current evidence. */
        for (int conditions = 0; conditions < 2; conditions++) {
                for (size_t i = 0; i < g->n_checks; i++) {
                        if (!!g->checks[i].kind->syntax.needs_controller != (bool) conditions ||
                            g->checks[i].is_set_aside)
                                continue;
                        r = check_judge(&g->checks[i], j);
                        if (r < 0)
                                return r;
                }
                tell_conditions(g, j->now);
        }
        return judge_kept(g, j);
}

/* A blocker that was there before keeps its time. Returns whether anything differs that clients see. */
static bool take_report(Gate *g, Report *new, Instant now) {
        Report *old = &g->report;
        bool same = old->n_blockers == new->n_blockers && old->ready_objects == new->ready_objects &&
                    old->total_objects == new->total_objects &&
                    old->ready_containers == new->ready_containers &&
                    old->total_containers == new->total_containers;
        size_t last;

        for (size_t i = 0; i < new->n_blockers; i++) {
                Blocker *b = &new->blockers[i], *known = report_find(old, b);
                Guard guard = known ? _GUARD_INVALID : guard_from_string(b->reason);

                if (!b->gate)
                        b->gate = strdup(gate_name(g)); /* lacking memory: a blocker without a gate's name */
                b->since = usec_min(b->since, known ? known->since : now.boottime);
                if (guard >= 0)
                        g->held[guard]++;
                same = same && known == &old->blockers[i] && b->since == known->since &&
                       streq_ptr(b->message, known->message) && streq_ptr(b->hint, known->hint);
        }

        if (old->n_blockers > 0 && new->n_blockers == 0)
                g->cleared = now.boottime;
        last = find_known_blocker(old);
        if (last < old->n_blockers && find_known_blocker(new) == new->n_blockers) {
                blocker_done(&g->waited_for);
                g->waited_for = old->blockers[last];
                old->blockers[last] = (Blocker){};
        }
        report_done(old);
        *old = *new;
        *new = REPORT_INIT;
        return !same;
}

/* Whether this process's own streams have all that the gate looks at. */
static bool streams_speak(const Gate *g, const World *w) {
        const char *reason, *message;
        unsigned roles = shared_roles(g);

        for (StreamRole role = 0; role < _STREAM_ROLE_MAX; role++)
                if ((roles & 1U << role) && !world_role_in_sync(w, role, NULL, &reason, &message))
                        return false;
        return true;
}

/* Whether this build may lack what a vendor's gate looks at. What MicroShift deploys a folder of manifests for it
 * does not: it may come late, because each folder before that one may take 10 min. */
static bool may_be_lacking(const Gate *g) {
        return g->setup.vendor && !gate_definition_asks_for_manifests(g->setup.definition);
}

/* The hint for an object that a vendor's gate does not find changes once the object is overdue. */
static void wait_for_hint(const Gate *g, Judging *j) {
        usec_t left = usec_sub(usec_add(j->world->api_ready, NOT_FOUND_USEC), j->now.boottime);
        Report *report = j->report;

        if (!may_be_lacking(g) || j->overdue || j->world->api != API_READY)
                return;
        for (size_t i = 0; i < report->n_blockers; i++)
                if (streq(report->blockers[i].reason, REASON_NOT_FOUND))
                        report->deadline = usec_min(report->deadline, usec_add(j->now.monotonic, left));
}

/* An invalid gate waits, whatever it was before. */
static void feed_clock(Gate *g, Evidence e, Instant now) {
        if (is_invalid(g))
                g->clock = (GateClock){ .state = GATE_WAITING };
        else
                gate_clock_feed(&g->clock, &g->setup.timing, e, now.monotonic);
}

static unsigned take_state(Gate *g, Instant now) {
        if (gate_state(g) == g->told)
                return 0;

        g->told = gate_state(g);
        g->changed = now.boottime;
        if (gate_state(g) == GATE_READY && g->first_ready == 0)
                g->first_ready = now.boottime;
        return GATE_CHANGED_STATE;
}

/* Judges the gate's checks on the world and lets its clock run. On failure the gate is as if there were no
 * evidence. Changes are against the last call, also where a reload was in between. */
int gate_reconsider(Gate *g, const World *w, Instant now, unsigned *ret_changed) {
        Report report = REPORT_INIT;
        Judging j = {
                .world = w,
                .now = now,
                .report = &report,
                .before = &g->report,
                .trail = &g->trail,
                .vendor = g->setup.vendor,
                .overdue = may_be_lacking(g) && w->api == API_READY &&
                           now.boottime >= usec_add(w->api_ready, NOT_FOUND_USEC),
        };
        const WorldStream *unlisted;
        Evidence former = g->clock.evidence;
        GateClockKind before, after;
        unsigned changed = 0;
        bool speaks;
        int r = 0;

        trail_begin(&g->trail);
        if (gate_state(g) == GATE_DISABLED) {
                trail_end_whole(&g->trail, now.monotonic, NULL); /* it looks at nothing */
                *ret_changed = take_state(g, now);
                return 0;
        }

        if (g->interest == 0)
                g->interest = w->interest;
        gate_clock_next(&g->clock, &g->setup.timing, &before);
        tell_state(g);
        unlisted = find_unlisted(g, w);
        r = judge_all(g, unlisted, &j);
        report_sort(&report);
        report.overdue = j.overdue;
        wait_for_hint(g, &j);
        speaks = !unlisted && streams_speak(g, w);
        if (r < 0)
                report.evidence = EVIDENCE_NONE;
        else if (speaks)
                trail_end_whole(&g->trail, now.monotonic, &report.deadline);
        else
                trail_end(&g->trail);
        if (speaks)
                gate_forget_kept(g);

        feed_clock(g, report.evidence, now);
        tell_state(g); /* objects are listed by it */
        changed |= take_state(g, now);
        gate_clock_next(&g->clock, &g->setup.timing, &after);
        if (before != after || (gate_state(g) == GATE_READY && g->clock.evidence != former))
                changed |= GATE_CHANGED_CLOCK;
        if (take_report(g, &report, now))
                changed |= GATE_CHANGED_REPORT;
        report_done(&report);

        *ret_changed = changed;
        return r;
}

/* When (monotonic) the gate has to be reconsidered at the latest. */
usec_t gate_deadline(const Gate *g) {
        if (gate_state(g) == GATE_DISABLED)
                return USEC_INFINITY;
        return usec_min(gate_clock_next(&g->clock, &g->setup.timing, NULL), g->report.deadline);
}

/* The clock that runs, and when (an estimate, boottime) it runs out. */
GateClockKind gate_running_clock(const Gate *g, Instant now, usec_t *ret_ends_boottime) {
        GateClockKind kind;
        usec_t due = gate_clock_next(&g->clock, &g->setup.timing, &kind);

        *ret_ends_boottime = usec_add(now.boottime, usec_sub(due, now.monotonic));
        return kind;
}

/* Whether the gate is ready and its evidence is not TRUE, so that it lives on its grace or its hold; and since when
 * (an estimate, boottime). */
bool gate_is_doubted(const Gate *g, Instant now, usec_t *ret_since) {
        if (gate_state(g) != GATE_READY || g->clock.evidence == EVIDENCE_TRUE)
                return false;
        *ret_since = usec_sub(now.boottime, gate_clock_doubted_for(&g->clock, now.monotonic));
        return true;
}

/* The gate's conditions have been read again. cause (why it is disabled, or which condition could not be read) is
 * taken. The next gate_reconsider() tells the change. */
void gate_set_enabled(Gate *g, bool enabled, char *cause) {
        if (!gate_is_asked(g))
                gate_look_again(g);
        free(g->setup.cause);
        g->setup.cause = cause;
        if (g->setup.enabled == enabled)
                return;

        g->setup.enabled = enabled;
        g->clock = (GateClock){ .state = enabled ? GATE_WAITING : GATE_DISABLED };
        report_done(&g->report);
        g->report.evidence = EVIDENCE_NONE;
}

/* The objects of the gate have to be listed first: they may be more than before, or of another cluster. The caller
 * gives the world another number of interest before the gate is judged. */
void gate_look_again(Gate *g) {
        g->interest = 0;
}

/* Drops what rule R7 keeps, which is of another cluster. */
void gate_forget_controllers(Gate *g) {
        for (size_t i = 0; i < g->n_checks; i++) {
                Check *c = &g->checks[i];

                c->controller_was_true = c->status_noted = c->stands = false;
        }
}

/* Rule R6: what the gate has learnt is of another cluster. It waits, as a new one does, unless it is disabled.
 * Returns what that changed, which the caller tells. */
unsigned gate_forget(Gate *g, Instant now) {
        gate_forget_kept(g);
        gate_forget_controllers(g);
        report_done(&g->report);
        g->report.evidence = EVIDENCE_NONE;
        blocker_done(&g->waited_for);
        g->first_ready = 0;
        if (gate_state(g) == GATE_DISABLED)
                return 0;
        g->clock = (GateClock){ .state = GATE_WAITING };
        return take_state(g, now) | GATE_CHANGED_REPORT | GATE_CHANGED_CLOCK;
}

/* After a reload, takes over from the former gate of the same name: state, stop-watches, times, blockers and their
 * counts; and what rule R7 keeps, where the checks are the same. Up to now the former timing counts. */
void gate_adopt(Gate *g, Gate *old, Instant now) {
        bool same = gate_definition_checks_equal(g->setup.definition, old->setup.definition);

        g->told = old->told;
        g->changed = old->changed;
        g->first_ready = old->first_ready;
        memcpy(g->held, old->held, sizeof(g->held));
        trail_done(&g->trail);
        g->trail = old->trail;
        old->trail = (Trail){};
        if (gate_state(g) == GATE_DISABLED || gate_state(old) == GATE_DISABLED)
                return;

        gate_clock_feed(&old->clock, &old->setup.timing, old->clock.evidence, now.monotonic);
        g->clock = old->clock;
        g->report = old->report;
        old->report = REPORT_INIT;
        g->report.evidence = EVIDENCE_NONE;
        g->waited_for = old->waited_for;
        old->waited_for = (Blocker){};
        if (!same) {
                /* What was TRUE so far were the former checks. */
                if (g->clock.evidence == EVIDENCE_TRUE) {
                        g->clock.evidence = EVIDENCE_NONE;
                        g->clock.true_for = 0;
                        g->clock.is_fed = false;
                }
                return;
        }

        if (gate_is_asked(old))
                g->interest = old->interest;
        for (size_t i = 0; i < g->n_checks; i++) {
                Check *a = &g->checks[i], *b = &old->checks[i];

                a->evidence = b->evidence;
                a->spare = b->spare;
                a->controller_was_true = b->controller_was_true;
                a->controller_true_since = b->controller_true_since;
                a->status_noted = b->status_noted;
                a->status_then = b->status_then;
                a->stands = b->stands;
        }
        g->kept = TAKE_PTR(old->kept);
        g->n_kept = old->n_kept;
        old->n_kept = 0;
}
