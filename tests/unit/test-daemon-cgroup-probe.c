/* SPDX-License-Identifier: Apache-2.0 */

/* Trees as the kubelet's drivers and the runtimes make them, in a folder that plays the cgroup file system. */

#include "folder.h"

#include <sys/wait.h>

#include "base/strv.h"
#include "cgroup-probe.h"

#define ID "3b1f6a0d6c2f4c0e8a9b7d5e4f3c2b1a09182736455463728190a0b0c0d0e0f0"
#define OTHER "aa1f6a0d6c2f4c0e8a9b7d5e4f3c2b1a09182736455463728190a0b0c0d0e0f0"
#define THIRD "bb1f6a0d6c2f4c0e8a9b7d5e4f3c2b1a09182736455463728190a0b0c0d0e0f0"
#define UID "0d9a6c1e-5b7f-4b5e-9c3a-1f2e3d4c5b6a"
#define UID_ "0d9a6c1e_5b7f_4b5e_9c3a_1f2e3d4c5b6a"
#define POPULATED "populated 1\nfrozen 0\n"
#define EMPTY "populated 0\nfrozen 0\n"

typedef struct Fixture {
        Folder folder;
        CgroupProbe probe;
        char *path; /* found last */
        int error;  /* told last */
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(Fixture));

        assert_non_null(f);
        folder_begin(&f->folder);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        cgroup_probe_done(&f->probe);
        free(f->path);
        folder_end(&f->folder);
        free(f);
        return 0;
}

static void begin(Fixture *f) {
        assert_ok(cgroup_probe_init(&f->probe, f->folder.path));
}

static void begin_unified(Fixture *f) {
        folder_write(&f->folder, "cgroup.controllers", "cpu memory pids\n");
        begin(f);
        assert_true(f->probe.unified);
}

static int find_id(Fixture *f, KubeQos qos, const char *id) {
        f->path = mfree(f->path);
        return cgroup_probe_find(&f->probe, &(ContainerAddress){ .pod_uid = UID, .qos = qos, .id = id },
                                 &f->path);
}

static int find(Fixture *f, KubeQos qos) {
        return find_id(f, qos, "cri-o://" ID);
}

static ContainerLife ask(Fixture *f) {
        f->error = 0;
        return cgroup_probe_ask(&f->probe, f->path, &f->error);
}

static void assert_found(Fixture *f, KubeQos qos, const char *where) {
        assert_ok(find(f, qos));
        assert_string_equal(f->path + strlen(f->folder.path) + 1, where);
}

typedef struct Place {
        KubeQos qos;
        const char *path;
} Place;

static const Place places[] = {
        { KUBE_QOS_GUARANTEED, "kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope" },
        { KUBE_QOS_BURSTABLE,
          "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/crio-" ID ".scope" },
        { KUBE_QOS_BESTEFFORT, "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
                               ".slice/crio-" ID ".scope" },
        { KUBE_QOS_BURSTABLE, "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_
                              ".slice/cri-containerd-" ID ".scope" },
        { KUBE_QOS_GUARANTEED, "kubepods/pod" UID "/" ID },
        { KUBE_QOS_BURSTABLE, "kubepods/burstable/pod" UID "/" ID },
        { KUBE_QOS_BESTEFFORT, "kubepods/besteffort/pod" UID "/crio-" ID },
        /* Found by searching: another class of service than the API says, a runtime's own ideas. */
        { KUBE_QOS_GUARANTEED,
          "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/crio-" ID ".scope" },
        { KUBE_QOS_BURSTABLE,
          "kubepods.slice/kubepods-burstable.slice/x.slice/y.slice/docker-" ID ".scope" },
        { KUBE_QOS_BURSTABLE, "kubepods/burstable/pod" UID "/a/" ID },
};

static void test_unified(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_free_ char *events = NULL;
                Fixture f = {};

                folder_begin(&f.folder);
                begin_unified(&f);
                assert_error(find(&f, places[i].qos), ENOENT);
                assert_ok(path_join(places[i].path, "cgroup.events", &events));
                folder_write(&f.folder, events, POPULATED);
                assert_found(&f, places[i].qos, places[i].path);
                assert_int_equal(ask(&f), CONTAINER_ALIVE);
                folder_write(&f.folder, events, EMPTY);
                assert_int_equal(ask(&f), CONTAINER_DEAD);
                folder_remove(&f.folder, places[i].path);
                assert_int_equal(ask(&f), CONTAINER_DEAD);
                assert_error(find(&f, places[i].qos), ENOENT);

                cgroup_probe_done(&f.probe);
                free(f.path);
                folder_end(&f.folder);
        }
}

static void test_v1(void **state) {
        static const char *const hierarchies[] = { "systemd", "memory", "cpu,cpuacct" };

        for (size_t i = 0; i < ELEMENTSOF(places) * ELEMENTSOF(hierarchies); i++) {
                const Place *place = &places[i / ELEMENTSOF(hierarchies)];
                _cleanup_free_ char *path = NULL, *procs = NULL;
                Fixture f = {};

                folder_begin(&f.folder);
                folder_write(&f.folder, "pids/cgroup.procs", "1\n");
                begin(&f);
                assert_false(f.probe.unified);
                assert_error(find(&f, place->qos), ENOENT);
                assert_ok(path_join(hierarchies[i % ELEMENTSOF(hierarchies)], place->path, &path));
                assert_ok(path_join(path, "cgroup.procs", &procs));
                folder_write(&f.folder, procs, "4711\n4712\n");
                assert_found(&f, place->qos, path);
                assert_int_equal(ask(&f), CONTAINER_ALIVE);
                folder_write(&f.folder, procs, "");
                assert_int_equal(ask(&f), CONTAINER_DEAD);
                folder_remove(&f.folder, path);
                assert_int_equal(ask(&f), CONTAINER_DEAD);
                assert_error(find(&f, place->qos), ENOENT);

                cgroup_probe_done(&f.probe);
                free(f.path);
                folder_end(&f.folder);
        }
}

/* crun puts the container's processes into a group below the scope. */
static void test_v1_child_group(void **state) {
        const char *scope = "systemd/kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope";
        _cleanup_free_ char *procs = NULL, *child = NULL;
        Fixture *f = *state;

        assert_ok(path_join(scope, "cgroup.procs", &procs));
        assert_ok(path_join(scope, "container/cgroup.procs", &child));
        folder_write(&f->folder, procs, "");
        folder_write(&f->folder, child, "4711\n");
        begin(f);
        assert_found(f, KUBE_QOS_GUARANTEED, scope);
        assert_int_equal(ask(f), CONTAINER_ALIVE);
        folder_write(&f->folder, child, "");
        assert_int_equal(ask(f), CONTAINER_DEAD);
}

/* The hierarchy that systemd keeps is asked where it is there, whatever the others have. */
static void test_v1_systemd_first(void **state) {
        Fixture *f = *state;

        folder_write(&f->folder, "memory/kubepods/pod" UID "/" ID "/cgroup.procs", "1\n");
        folder_write(&f->folder, "systemd/kubepods/pod" UID "/" ID "/cgroup.procs", "");
        begin(f);
        assert_found(f, KUBE_QOS_GUARANTEED, "systemd/kubepods/pod" UID "/" ID);
        assert_int_equal(ask(f), CONTAINER_DEAD);
}

/* The monitor may outlive its container, and other names only look like the container's. */
static void test_names_are_matched_whole(void **state) {
        static const char *const others[] = {
                "crio-conmon-" ID ".scope",
                "crio-" ID "0.scope",
                "crio-" ID ".scope.d",
                "x-" ID ".scope",
                ID "-x",
                "crio-" ID ".service",
                "crio-.scope",
        };
        Fixture *f = *state;

        begin_unified(f);
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                char path[512];

                snprintf(path, sizeof(path), "kubepods.slice/kubepods-pod" UID_ ".slice/%s/cgroup.events",
                         others[i]);
                folder_write(&f->folder, path, POPULATED);
        }
        folder_write(&f->folder, "system.slice/crio-" ID ".scope/cgroup.events", POPULATED);
        assert_error(find(f, KUBE_QOS_GUARANTEED), ENOENT);
}

/* A search ends, whatever there is. */
static void test_search_is_bounded(void **state) {
        Fixture *f = *state;
        char path[256];

        begin_unified(f);
        folder_write(&f->folder, "kubepods.slice/1/2/3/4/5/6/crio-" ID ".scope/cgroup.events", POPULATED);
        folder_link(&f->folder, "kubepods.slice/loop", "../kubepods.slice");
        folder_link(&f->folder, "kubepods.slice/self", "self");
        for (unsigned i = 0; i < 5000; i++) {
                snprintf(path, sizeof(path), "kubepods.slice/many/%u", i);
                folder_make(&f->folder, path);
        }
        assert_error(find(f, KUBE_QOS_GUARANTEED), ENOENT);
}

/* The kernel makes no links here, so nothing that is one is a container's group. */
static void test_links(void **state) {
        Fixture *f = *state;

        begin_unified(f);
        folder_write(&f->folder, "elsewhere/cgroup.events", POPULATED);
        folder_link(&f->folder, "kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope",
                    "../../elsewhere");
        assert_error(find(f, KUBE_QOS_GUARANTEED), ENOENT);
        folder_link(&f->folder, "kubepods", "kubepods.slice");
        assert_error(find(f, KUBE_QOS_GUARANTEED), ENOENT);
}

static void test_hostile_ids(void **state) {
        static const char *const ids[] = {
                "",   "cri-o://", "../../../elsewhere", "cri-o://..%2f", "a/b", "short", "cri-o://" ID "/..",
                "\n", " ",
        };
        Fixture *f = *state;

        begin_unified(f);
        folder_write(&f->folder, "elsewhere/cgroup.events", POPULATED);
        folder_make(&f->folder, "kubepods.slice/kubepods-pod" UID_ ".slice");
        for (size_t i = 0; i < ELEMENTSOF(ids); i++)
                assert_error(find_id(f, KUBE_QOS_GUARANTEED, ids[i]), EINVAL);
        assert_error(
                cgroup_probe_find(&f->probe, &(ContainerAddress){ .pod_uid = "../x", .id = ID }, &f->path),
                EINVAL);
        assert_error(cgroup_probe_find_pod(&f->probe, &(ContainerAddress){ .pod_uid = ".." }, &f->path),
                     EINVAL);
}

/* The kubelet's --cgroup-root= puts all below another group, whose name the systemd driver puts in front of all. */
static void test_other_parents(void **state) {
        static const char *const below[] = {
                "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                "kubelet-kubepods-burstable-pod" UID_ ".slice/crio-" ID ".scope",
                "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" UID_ ".slice/cri-containerd-" ID
                ".scope",
                "kubelet/kubepods/burstable/pod" UID "/" ID,
                "a.slice/a-b.slice/a-b-c.slice/a-b-c-kubepods.slice/a-b-c-kubepods-pod" UID_
                ".slice/crio-" ID ".scope",
        };

        for (size_t i = 0; i < 2 * ELEMENTSOF(below); i++) {
                const char *path = below[i / 2];
                bool v1 = i % 2;
                _cleanup_free_ char *group = NULL, *file = NULL;
                Fixture f = {};

                folder_begin(&f.folder);
                /* Other pods' groups are where one would look first, and others have as many of their own. */
                if (v1) {
                        folder_make(&f.folder, "systemd/kubepods.slice/kubepods-burstable.slice");
                        folder_make(&f.folder, "systemd/system.slice/crio.service");
                        assert_ok(path_join("systemd", path, &group));
                        assert_ok(path_join(group, "cgroup.procs", &file));
                        begin(&f);
                } else {
                        folder_make(&f.folder, "kubepods.slice/kubepods-burstable.slice");
                        folder_make(&f.folder, "system.slice/crio.service");
                        assert_ok(path_join(path, "cgroup.events", &file));
                        begin_unified(&f);
                }
                assert_error(find(&f, KUBE_QOS_BURSTABLE), ENOENT);

                folder_write(&f.folder, file, v1 ? "7\n" : POPULATED);
                assert_error(find(&f, KUBE_QOS_BURSTABLE), ENOENT); /* the whole is not searched each time */
                cgroup_probe_look_again(&f.probe);
                assert_found(&f, KUBE_QOS_BURSTABLE, v1 ? group : path);
                assert_int_equal(ask(&f), CONTAINER_ALIVE);

                cgroup_probe_done(&f.probe);
                free(f.path);
                folder_end(&f.folder);
        }
}

/* The root is such a parent itself, and it comes to be when the kubelet starts. */
static void test_root_is_a_parent(void **state) {
        static const char *const pods = "kubelet-kubepods.slice/kubelet-kubepods-burstable.slice/"
                                        "kubelet-kubepods-burstable-pod" UID_ ".slice/crio-" ID ".scope";

        for (int v1 = 0; v1 < 2; v1++) {
                _cleanup_free_ char *file = NULL;
                Fixture f = {};

                folder_begin(&f.folder);
                assert_ok(rmdir(f.folder.path));
                begin(&f);
                assert_error(find(&f, KUBE_QOS_BURSTABLE), ENOTDIR);
                assert_ok(mkdir(f.folder.path, 0755));
                assert_error(find(&f, KUBE_QOS_BURSTABLE), ENOENT);
                if (!v1)
                        folder_write(&f.folder, "cgroup.controllers", "pids\n");
                assert_ok(path_join(pods, v1 ? "cgroup.procs" : "cgroup.events", &file));
                folder_write(&f.folder, file, v1 ? "7\n" : POPULATED);
                assert_found(&f, KUBE_QOS_BURSTABLE, pods);
                assert_int_equal(ask(&f), CONTAINER_ALIVE);

                cgroup_probe_done(&f.probe);
                free(f.path);
                folder_end(&f.folder);
        }
}

/* A user with a group of his own makes there what he likes; so does a container in its own. */
static void test_forged_groups(void **state) {
        const char *group = "user.slice/kubepods/pod" UID "/" ID;
        _cleanup_free_ char *path = folder_path(&((Fixture *) *state)->folder, "user.slice");
        Fixture *f = *state;

        begin_unified(f);
        folder_write(&f->folder,
                     "kubepods.slice/kubepods-burstable.slice/crio-" OTHER ".scope/crio-" ID
                     ".scope/cgroup.events",
                     POPULATED);
        assert_error(find(f, KUBE_QOS_GUARANTEED), ENOENT);

        folder_write(&f->folder, "user.slice/kubepods/pod" UID "/" ID "/cgroup.events", POPULATED);
        if (getuid() == 0) {
                assert_ok(chown(path, 65534, 65534));
                cgroup_probe_look_again(&f->probe);
                assert_error(find(f, KUBE_QOS_GUARANTEED), ENOENT);
                assert_ok(chown(path, 0, 0));
        }
        cgroup_probe_look_again(&f->probe);
        assert_found(f, KUBE_QOS_GUARANTEED, group);
}

/* What lives in a pod's folder: the IDs, also of what no status names, and not the monitors. */
static void test_list(void **state) {
        const ContainerAddress a = { .pod_uid = UID, .qos = KUBE_QOS_BURSTABLE };
        const char *pod = "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice";
        static const struct {
                const char *name, *events;
        } groups[] = {
                { "crio-" ID ".scope", POPULATED },
                { "crio-conmon-" ID ".scope", POPULATED },
                { "crio-" OTHER, EMPTY }, /* what CRI-O leaves of a sandbox */
                { "crio-" THIRD ".scope", POPULATED },
                { "container", POPULATED },
        };
        _cleanup_(strv_freep) char **living = NULL;
        Fixture *f = *state;

        begin_unified(f);
        assert_error(cgroup_probe_find_pod(&f->probe, &a, &f->path), ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(groups); i++) {
                char file[512];

                snprintf(file, sizeof(file), "%s/%s/cgroup.events", pod, groups[i].name);
                folder_write(&f->folder, file, groups[i].events);
        }
        assert_ok(cgroup_probe_find_pod(&f->probe, &a, &f->path));
        assert_string_equal(f->path + strlen(f->folder.path) + 1, pod);
        assert_ok(cgroup_probe_list(&f->probe, f->path, &living));
        assert_int_equal(strv_length(living), 2);
        assert_true(strv_contains(living, ID));
        assert_true(strv_contains(living, THIRD));
}

/* However many there are. */
static void test_list_is_bounded(void **state) {
        _cleanup_(strv_freep) char **living = NULL;
        Fixture *f = *state;
        char path[256];

        begin_unified(f);
        for (unsigned i = 0; i < 100; i++) {
                snprintf(path, sizeof(path), "kubepods/pod" UID "/%064x/cgroup.events", i);
                folder_write(&f->folder, path, POPULATED);
        }
        assert_ok(cgroup_probe_find_pod(&f->probe, &(ContainerAddress){ .pod_uid = UID }, &f->path));
        assert_error(cgroup_probe_list(&f->probe, f->path, &living), E2BIG);
        assert_error(cgroup_probe_list(&f->probe, "/nonexistent", &living), ENOENT);
}

/* What the kernel would never say is no answer. */
static void test_unreadable_events(void **state) {
        static const char *const texts[] = { "", "populated", "populated 2\n", "frozen 0\n",
                                             "populated 10\n" };
        const char *group = "kubepods/pod" UID "/" ID, *events = "kubepods/pod" UID "/" ID "/cgroup.events";
        _cleanup_free_ char *path = folder_path(&((Fixture *) *state)->folder, events), *large = NULL;
        Fixture *f = *state;

        begin_unified(f);
        for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
                folder_write(&f->folder, events, texts[i]);
                assert_found(f, KUBE_QOS_GUARANTEED, group);
                assert_int_equal(ask(f), CONTAINER_UNREADABLE);
                assert_int_equal(f->error, -EBADMSG);
        }

        large = calloc(1, 10000);
        memset(large, 'x', 9999);
        folder_write(&f->folder, events, large);
        assert_int_equal(ask(f), CONTAINER_UNREADABLE);
        assert_int_equal(f->error, -E2BIG);

        folder_remove(&f->folder, events);
        assert_ok(mkfifo(path, 0644));
        assert_int_equal(ask(f), CONTAINER_UNREADABLE);
}

/* Reading a pipe would stop the daemon. */
static void test_v1_pipe(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *path =
                folder_path(&f->folder, "systemd/kubepods/pod" UID "/" ID "/cgroup.procs");

        folder_make(&f->folder, "systemd/kubepods/pod" UID "/" ID);
        assert_ok(mkfifo(path, 0644));
        begin(f);
        assert_ok(find(f, KUBE_QOS_GUARANTEED));
        alarm(5);
        assert_int_not_equal(ask(f), CONTAINER_ALIVE);
        alarm(0);
}

/* Dead is what a root says that can be read; one that cannot says nothing. */
static void test_no_root(void **state) {
        Fixture *f = *state;

        assert_ok(rmdir(f->folder.path));
        begin(f);
        assert_error(find(f, KUBE_QOS_GUARANTEED), ENOTDIR);
        folder_begin(&f->folder);
}

/* The status of a child that may read nothing. */
static int as_nobody(Fixture *f, int (*function)(Fixture *f)) {
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                if (getuid() == 0 && setuid(65534) < 0)
                        _exit(100);
                _exit(function(f));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static int finds_nothing(Fixture *f) {
        return -find(f, KUBE_QOS_GUARANTEED);
}

static int asks_in_vain(Fixture *f) {
        return find(f, KUBE_QOS_GUARANTEED) >= 0 && ask(f) == CONTAINER_UNREADABLE ? -f->error : 0;
}

static void test_unreadable(void **state) {
        const char *events = "kubepods/pod" UID "/" ID "/cgroup.events";
        Fixture *f = *state;
        _cleanup_free_ char *path = folder_path(&f->folder, events);
        _cleanup_free_ char *pods = folder_path(&f->folder, "kubepods/burstable");

        begin_unified(f);
        folder_write(&f->folder, events, POPULATED);
        assert_int_equal(as_nobody(f, finds_nothing), 0);

        assert_ok(chmod(path, 0));
        assert_int_equal(as_nobody(f, asks_in_vain), EACCES);

        folder_remove(&f->folder, "kubepods/pod" UID);
        assert_int_equal(as_nobody(f, finds_nothing), ENOENT);
        folder_make(&f->folder, "kubepods/burstable");
        assert_ok(chmod(pods, 0));
        assert_int_equal(as_nobody(f, finds_nothing), EACCES);

        assert_ok(chmod(f->folder.path, 0));
        assert_int_equal(as_nobody(f, finds_nothing), EACCES);
        assert_ok(chmod(f->folder.path, 0755));
        assert_ok(chmod(pods, 0755));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unified),
                cmocka_unit_test(test_v1),
                TEST(test_v1_child_group),
                TEST(test_v1_systemd_first),
                TEST(test_names_are_matched_whole),
                TEST(test_search_is_bounded),
                TEST(test_links),
                TEST(test_hostile_ids),
                cmocka_unit_test(test_other_parents),
                cmocka_unit_test(test_root_is_a_parent),
                TEST(test_forged_groups),
                TEST(test_list),
                TEST(test_list_is_bounded),
                TEST(test_unreadable_events),
                TEST(test_v1_pipe),
                TEST(test_no_root),
                TEST(test_unreadable),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
