/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "base/macro.h"
#include "ready/cgroup.h"

#define ID "8c2b6f0f4d3c2b1a8c2b6f0f4d3c2b1a8c2b6f0f4d3c2b1a8c2b6f0f4d3c2b1a"
#define UID "0a1b2c3d-1111-4222-8333-444444444444"
#define UID_ "0a1b2c3d_1111_4222_8333_444444444444"

/* As the kubelet's drivers and the runtimes write them. */
static const struct {
        KubeQos qos;
        const char *uid, *paths[4];
} rows[] = {
        { KUBE_QOS_GUARANTEED,
          UID,
          { "kubepods.slice/kubepods-pod" UID_ ".slice/crio-" ID ".scope",
            "kubepods.slice/kubepods-pod" UID_ ".slice/cri-containerd-" ID ".scope",
            "kubepods/pod" UID "/" ID, "kubepods/pod" UID "/crio-" ID } },
        { KUBE_QOS_BURSTABLE,
          UID,
          { "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/crio-" ID ".scope",
            "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" UID_ ".slice/cri-containerd-" ID
            ".scope",
            "kubepods/burstable/pod" UID "/" ID, "kubepods/burstable/pod" UID "/crio-" ID } },
        { KUBE_QOS_BESTEFFORT,
          UID,
          { "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_ ".slice/crio-" ID
            ".scope",
            "kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" UID_
            ".slice/cri-containerd-" ID ".scope",
            "kubepods/besteffort/pod" UID "/" ID, "kubepods/besteffort/pod" UID "/crio-" ID } },
        /* A static pod's: its config hash has no dashes. */
        { KUBE_QOS_BURSTABLE,
          "d41d8cd98f00b204e9800998ecf8427e",
          { "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podd41d8cd98f00b204e9800998ecf8427e.slice/"
            "crio-" ID ".scope" } },
};

static void test_candidates(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                for (unsigned n = 0; n <= ELEMENTSOF(rows[i].paths); n++) {
                        ContainerAddress a = { .pod_uid = rows[i].uid,
                                               .qos = rows[i].qos,
                                               .id = "cri-o://" ID };
                        _cleanup_free_ char *path = NULL;

                        if (n == ELEMENTSOF(rows[i].paths)) {
                                assert_error(cgroup_candidate(&a, n, &path), ENOENT);
                                continue;
                        }
                        assert_ok(cgroup_candidate(&a, n, &path));
                        if (rows[i].paths[n])
                                assert_string_equal(path, rows[i].paths[n]);
                }
}

static void test_id(void **state) {
        assert_string_equal(container_id_bare("cri-o://" ID), ID);
        assert_string_equal(container_id_bare("containerd://" ID), ID);
        assert_string_equal(container_id_bare(ID), ID);
        assert_true(container_id_is_valid("containerd://" ID));
        assert_true(container_id_is_valid(ID));
}

/* What a cluster could say to lead us elsewhere. */
static void test_hostile(void **state) {
        /* clang-format off */
        static const char *const ids[] = {
                "", "cri-o://", "cri-o://../../../etc/passwd", "cri-o://a/b/c/d/e/f", "..", "short",
                "cri-o://" ID "/..", "cri-o://" ID "\n", "cri-o://*", "cri-o://" ID "://" ID,
                "cri-o://conmon-" ID,
                "cri-o://" ID ID ID ID, /* too long */
        };
        /* clang-format on */
        static const char *const uids[] = {
                "", "..", "../..", "a/b", "a_b", "a.slice", "a b", "a\n", UID UID
        };

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                ContainerAddress a = { .pod_uid = UID, .id = ids[i] };
                char *path = NULL;

                assert_false(container_id_is_valid(ids[i]));
                for (unsigned n = 0; n < 4; n++)
                        assert_error(cgroup_candidate(&a, n, &path), EINVAL);
                assert_false(cgroup_name_is_container("crio-.scope", ids[i]));
                assert_false(cgroup_name_is_container("", ids[i]));
        }
        for (size_t i = 0; i < ELEMENTSOF(uids); i++) {
                ContainerAddress a = { .pod_uid = uids[i], .id = ID };
                char *path = NULL;

                assert_error(cgroup_candidate(&a, 0, &path), EINVAL);
        }
}

/* The whole name: the monitor of a container lives beside it and may outlive it. */
static void test_names(void **state) {
        static const char *const good[] = { ID, "crio-" ID ".scope", "cri-containerd-" ID ".scope",
                                            "crio-" ID, "docker-" ID ".scope" };
        static const char *const bad[] = { "crio-conmon-" ID ".scope",
                                           "crio-" ID ".slice",
                                           "crio-" ID "0.scope",
                                           "x" ID,
                                           ID "x",
                                           "crio-" ID ".scope.d",
                                           "crio-",
                                           ".scope",
                                           "libpod-" ID,
                                           "crio-conmon-" ID };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                assert_true(cgroup_name_is_container(good[i], "cri-o://" ID));
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (cgroup_name_is_container(bad[i], "cri-o://" ID))
                        fail_msg("%s", bad[i]);

        assert_true(cgroup_name_is_kubepods("kubepods"));
        assert_true(cgroup_name_is_kubepods("kubepods.slice"));
        assert_true(cgroup_name_is_kubepods("kubelet-kubepods.slice"));
        assert_true(cgroup_name_is_kubepods("a-b-kubepods.slice"));
        assert_false(cgroup_name_is_kubepods("kubepods-burstable.slice"));
        assert_false(cgroup_name_is_kubepods("kubelet-kubepods-burstable.slice"));
        assert_false(cgroup_name_is_kubepods("notkubepods.slice"));
        assert_false(cgroup_name_is_kubepods("notkubepods"));
}

/* The pod's own group, whatever is in front of its name. */
static void test_pod_names(void **state) {
        static const char *const good[] = { "pod" UID, "kubepods-pod" UID_ ".slice",
                                            "kubepods-burstable-pod" UID_ ".slice",
                                            "kubelet-kubepods-besteffort-pod" UID_ ".slice" };
        static const char *const bad[] = { "pod" UID_,
                                           UID,
                                           "",
                                           "kubepods-pod" UID ".slice",
                                           "kubepods-pod" UID_,
                                           "kubepods-pod" UID_ "0.slice",
                                           "kubepods-pod0" UID_ ".slice",
                                           "kubepodspod" UID_ ".slice",
                                           "xpod" UID };
        char *path = NULL;

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                if (!cgroup_name_is_pod(good[i], UID))
                        fail_msg("%s", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (cgroup_name_is_pod(bad[i], UID))
                        fail_msg("%s", bad[i]);
        assert_false(cgroup_name_is_pod("pod", ""));
        assert_false(cgroup_name_is_pod("pod..", ".."));
        assert_error(cgroup_pod_candidate(&(ContainerAddress){ .pod_uid = ".." }, 0, &path), EINVAL);
        assert_error(cgroup_pod_candidate(&(ContainerAddress){ .pod_uid = UID }, 2, &path), ENOENT);
}

/* Only what a runtime gives is an ID: the monitor of a container is none, nor is what a container made for itself. */
static void test_read_id(void **state) {
        static const char *const good[] = { ID, "crio-" ID ".scope", "cri-containerd-" ID ".scope",
                                            ("crio-" ID) };
        static const char *const bad[] = { "crio-conmon-" ID ".scope",
                                           "crio-" ID "0.scope",
                                           "container",
                                           "x" ID,
                                           ID ".slice",
                                           "",
                                           "crio-",
                                           "system.slice",
                                           "crio-" ID "/.scope" };
        char id[CONTAINER_ID_SIZE + 1];

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                assert_true(cgroup_name_read_id(good[i], id));
                assert_string_equal(id, ID);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                if (cgroup_name_read_id(bad[i], id))
                        fail_msg("%s", bad[i]);
}

static void test_events(void **state) {
        static const struct {
                const char *text;
                int populated;
        } texts[] = {
                { "populated 1\nfrozen 0\n", 1 }, { "populated 0\nfrozen 0\n", 0 },
                { "frozen 0\npopulated 1\n", 1 }, { "frozen 0\npopulated 1", 1 },
                { "frozen 1\npopulated 0", 0 },   { "", -EBADMSG },
                { "populated", -EBADMSG },        { "populated \n", -EBADMSG },
                { "populated 10\n", -EBADMSG },   { "populated 2\n", -EBADMSG },
                { "unpopulated 1\n", -EBADMSG },  { "frozen 0\n\n\n", -EBADMSG },
                { "\npopulated 1\n", 1 },         { "populated1\n", -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                if (cgroup_events_populated(texts[i].text) != texts[i].populated)
                        fail_msg("'%s'", texts[i].text);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_candidates), cmocka_unit_test(test_id),
                cmocka_unit_test(test_hostile),    cmocka_unit_test(test_names),
                cmocka_unit_test(test_pod_names),  cmocka_unit_test(test_read_id),
                cmocka_unit_test(test_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
