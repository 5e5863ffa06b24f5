/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "diagnosis/hint.h"

typedef struct Case {
        const char *hint; /* how the hint begins, or a part of it; NULL: there is none */
        HintQuery q;
} Case;

#define POD(r, m) .kind = "Pod", .reason = (r), .message = (m)
#define EVENT(r, m) .event_reason = (r), .event_message = (m)
#define NODE(r, m) .kind = "Node", .reason = (r), .message = (m)

/* The messages are those that kubelet, CRI-O, the scheduler and MicroShift write. */
/* clang-format off */
static const Case cases[] = {
        /* The host */
        { "Raise the kernel's inotify limits",
          { POD("CrashLoopBackOff", "back-off 40s restarting failed container=c; last exit: Error, exit code 1: "
                                    "failed to create fsnotify watcher: too many open files") } },
        { "Set the clock",
          { .kind = "Api", .reason = "Clock", .message = "the certificate of localhost:6443 is not valid yet" } },
        { "Compare the clock",
          { POD("ErrImagePull", "pinging container registry quay.io: Get \"https://quay.io/v2/\": x509: certificate has "
                                "expired or is not yet valid: current time 1970-01-01T00:01:02Z is before "
                                "2024-01-01T00:00:00Z") } },
        { "The host no longer has the node's address",
          { NODE("StaleBoot", "its status is of an earlier boot; the node's InternalIP 192.168.1.5 is not an address of this "
                              "host") } },
        { "back to its former value",
          { .kind = "Api", .reason = "ApiUnreachable",
            .message = "refused; MicroShift knows this node as edge1, and node.hostnameOverride in its configuration says "
                       "edge2" } },
        { "CoreDNS forwards to itself",
          { POD("CrashLoopBackOff", "back-off 5m0s; last exit: Error, exit code 1: [FATAL] plugin/loop: Loop "
                                    "(127.0.0.1:55953 -> :1053) detected for zone \".\"") } },
        { "Pods cannot reach the cluster's DNS",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: dial tcp: lookup kubernetes.default.svc on "
                                    "10.43.0.10:53: read udp 10.42.0.7:40312->10.43.0.10:53: i/o timeout") } },
        { "Pods cannot reach the API",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 255: Get \"https://10.43.0.1:443/api?timeout=32s\": dial "
                                    "tcp 10.43.0.1:443: i/o timeout") } },
        { "Open vSwitch is not working",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: ovs-vsctl: no port named br-ex") } },
        { "Open vSwitch is not working",
          { POD("ContainerCreating", NULL),
            EVENT("FailedMount", "MountVolume.SetUp failed for volume \"run-openvswitch\" : hostPath type check failed: "
                                 "/var/run/openvswitch is not a directory") } },

        /* The pull secret */
        { "Save the pull secret",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: open "
                                            "/etc/crio/openshift-pull-secret: no such file or directory") } },
        { "The registry refuses this host's credentials",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox",
                  "Failed to create pod sandbox: initializing source docker://registry.redhat.io/x: unable to retrieve "
                  "auth token: invalid username/password: unauthorized: Please login to the Red Hat Registry using your "
                  "Customer Portal credentials.") } },
        { "The registry refuses this host's credentials",
          { POD("ImagePullBackOff", "Back-off pulling image \"quay.io/openshift-release-dev/ocp-v4.0-art-dev\""),
            EVENT("Failed", "Failed to pull image \"quay.io/x\": rpc error: code = Unknown desc = reading manifest: "
                            "unauthorized: access to the requested resource is not authorized") } },
        { "The registry refuses this host's credentials",
          { POD("Init:ErrImagePull", "requested access to the resource is denied") } },
        { "The registry limits anonymous pulls",
          { POD("ErrImagePull", "toomanyrequests: You have reached your pull rate limit.") } },
        { "The host's signature policy",
          { POD("ImagePullBackOff", "Back-off pulling image \"registry.redhat.io/x\": SignatureValidationFailed: Source image "
                                    "rejected: A signature was required, but no signature exists") } },
        { "The host's signature policy",
          { POD("ErrImagePull", "Source image rejected: None of the signatures were accepted, reasons: Invalid GPG signature") } },

        /* The registry */
        { "The registry cannot be reached, and the container's imagePullPolicy is Always",
          { POD("ErrImagePull", "pinging container registry quay.io: Get \"https://quay.io/v2/\": dial tcp: lookup "
                                "quay.io: no such host"),
            .pull_always = true } },
        { "This host cannot resolve the registry's name", /* the sandbox has no imagePullPolicy */
          { POD("ContainerCreating", NULL), .pull_always = true,
            EVENT("FailedCreatePodSandBox",
                  "Failed to create pod sandbox: rpc error: code = Unknown desc = error creating pod sandbox with name x: "
                  "initializing source docker://quay.io/x: pinging container registry quay.io: Get \"https://quay.io/v2/\": "
                  "dial tcp: lookup quay.io: no such host") } },
        { "This host cannot resolve the registry's name",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox",
                  "Failed to create pod sandbox: pull image err: initializing source docker://quay.io/x: pinging container "
                  "registry quay.io: Get \"https://quay.io/v2/\": dial tcp: lookup quay.io: i/o timeout") } },
        { "is from a CA that this host does not trust",
          { POD("ErrImagePull", "Get \"https://registry.lab/v2/\": tls: failed to verify certificate: x509: certificate "
                                "signed by unknown authority") } },
        { "This host cannot reach the registry",
          { POD("ErrImagePull", "pinging container registry quay.io: Get \"https://quay.io/v2/\": dial tcp "
                                "52.0.0.1:443: connect: no route to host") } },
        { "This host cannot reach the registry",
          { POD("ImagePullBackOff", NULL),
            EVENT("BackOff", "Back-off pulling image \"quay.io/x\": ErrImagePull: net/http: TLS handshake timeout") } },
        { "not built for this host's architecture",
          { POD("ErrImagePull", "choosing image instance: no image found in manifest list for architecture arm64") } },
        { "No such image",
          { POD("ErrImagePull", "reading manifest nope in quay.io/x/y: manifest unknown") } },
        { "No such image",
          { POD("InvalidImageName", "Failed to apply default image tag \"quay.io/X:::\": couldn't parse image name: invalid "
                                    "reference format") } },
        { "The image name is not valid", { POD("InvalidImageName", NULL) } },
        { "Write the image's name with its registry in front",
          { POD("ErrImagePull", "short-name resolution enforced but cannot prompt without a TTY") } },
        { "Its imagePullPolicy is Never",
          { POD("ErrImageNeverPull", "Container image \"x\" is not present with pull policy of Never") } },
        { "A file system is full",
          { POD("ErrImagePull", "writing blob: write /var/lib/containers/storage: no space left on device") } },
        { "so CRI-O asks the registry at each start",
          { POD("ImagePullBackOff", "Back-off pulling image \"registry.redhat.io/openshift-gitops-1/argocd-rhel8\""),
            .pull_always = true } },
        { "Run crictl pull IMAGE on this host", { POD("ImagePullBackOff", "Back-off pulling image \"x\"") } },

        /* The network of the pods, and the node */
        { "for which ovnkube-master writes",
          { NODE("KubeletNotReady",
                 "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network "
                 "plugin returns error: no CNI configuration file in /etc/cni/net.d/. Has your network provider "
                 "started?") } },
        { "in a community build see the gate kindnet",
          { POD("ContainerCreating", NULL),
            EVENT("NetworkNotReady", "network is not ready: container runtime network not ready: NetworkReady=false "
                                     "reason:NetworkPluginNotReady") } },
        { "OVN-Kubernetes did not give the pod an address",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "plugin type=\"ovn-k8s-cni-overlay\" failed (add): CNI request failed with "
                                            "status 400") } },
        { "OVN-Kubernetes did not give the pod an address",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox",
                  "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create pod network sandbox x: error "
                  "adding pod shop_web to CNI network \"ovn-kubernetes\": plugin type=\"ovn-k8s-cni-overlay\" failed (add): CNI "
                  "request failed with status 400: '[shop/web x network default NAD default] failed to configure pod "
                  "interface: failed to get pod annotation: timed out waiting for annotations: context deadline "
                  "exceeded'") } },
        { "OVN-Kubernetes did not give the pod an address",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox",
                  "Failed to create pod sandbox: error adding pod shop_web to CNI network \"ovn-kubernetes\": failed to get "
                  "pod: client rate limiter Wait returned an error: context deadline exceeded") } },
        { "an additional network that does not exist",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox",
                  "Failed to create pod sandbox: error adding pod shop_web to CNI network \"multus-cni-network\": "
                  "plugin type=\"multus\" failed (add): Multus: [shop/web/x]: error loading k8s delegates k8s args: "
                  "getKubernetesDelegate: cannot find a network-attachment-definition (bridge) in namespace (shop): "
                  "network-attachment-definitions.k8s.cni.cncf.io \"bridge\" not found") } },
        { "CRI-O did not create the pod's sandbox in time",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = context "
                                            "deadline exceeded") } },
        { "The pull failed on its way",
          { POD("ErrImagePull", "rpc error: code = DeadlineExceeded desc = context deadline exceeded") } },
        { "The disk is nearly full",
          { .kind = "Pods", .reason = "NoPods",
            EVENT("Evicted", "The node was low on resource: ephemeral-storage. Threshold quantity: 1Gi") } },
        { "The disk is nearly full",
          { .kind = "DaemonSet", .reason = "NoPods",
            EVENT("Evicted", "Pod was rejected: The node had condition: [MemoryPressure DiskPressure]. ") } },
        { "The disk is nearly full",
          { POD("Pending", "0/1 nodes are available: 1 node(s) had untolerated taint "
                           "{node.kubernetes.io/disk-pressure: }.") } },
        { "The disk is nearly full", { NODE("KubeletNotReady", "container runtime is down; the node has DiskPressure: x") } },
        { "The disk is nearly full",
          { POD("ImagePullBackOff", "Back-off pulling image \"x\"; the node has DiskPressure: x") } },
        { "The disk is nearly full", { .kind = "Deployment", .reason = "NoPods", .message = "the node has DiskPressure: x" } },
        { "refuses this host's credentials", /* what the registry says is nearer */
          { POD("ErrImagePull", "unauthorized: access to x; the node has DiskPressure: kubelet has disk pressure") } },
        { "The node has too little left", { POD("Pending", "1 Insufficient cpu.; the node has DiskPressure: x") } },
        { "The host is short of memory",
          { .kind = "Pods", .reason = "NoPods", EVENT("Evicted", "The node was low on resource: memory.") } },
        { "The host is short of process IDs",
          { .kind = "Pods", .reason = "NoPods", EVENT("Evicted", "The node had condition: [PIDPressure]. ") } },
        { "The node's network is not set up",
          { NODE("KubeletNotReady", "x; the node has NetworkUnavailable: no route created") } },
        { "if it went over a limit of its own",
          { .kind = "Pods", .reason = "NoPods",
            EVENT("Evicted", "Usage of EmptyDir volume \"cache\" exceeds the limit \"1Gi\". ") } },
        { "The kubelet rejected or ended the pod",
          { .kind = "DaemonSet", .reason = "NoPods",
            EVENT("UnexpectedAdmissionError", "Allocate failed due to no healthy devices present; cannot allocate unhealthy "
                                              "devices device.microshift.io/serial, which is unexpected") } },
        { "The kubelet rejected or ended the pod",
          { .kind = "Pods", .reason = "NoPods",
            EVENT("NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node "
                                  "affinity/selector") } },
        { "The kubelet rejected or ended the pod",
          { .kind = "Pods", .reason = "NoPods",
            EVENT("Terminated", "Pod was terminated in response to imminent node shutdown.") } },
        { "The kubelet rejected or ended the pod",
          { .kind = "Pods", .reason = "NoPods", EVENT("Preempting", "Preempted in order to admit critical pod") } },
        { "does not get through its list of containers",
          { NODE("KubeletNotReady", "PLEG is not healthy: pleg was last seen active 3m0s ago") } },
        { "The kubelet gets no answer from CRI-O", { NODE("KubeletNotReady", "container runtime is down") } },
        { "The kubelet gets no answer from CRI-O",
          { NODE("KubeletNotReady", "[container runtime status check may not have completed yet, PLEG is not healthy: pleg "
                                    "has yet to be successful]") } },
        { "The host is shutting down", { NODE("KubeletNotReady", "node is shutting down") } },
        { "why the kubelet does not report the node as ready",
          { NODE("KubeletNotReady", "missing node capacity for resources: ephemeral-storage") } },
        { "a part of MicroShift, does not report",
          { NODE("NodeStatusUnknown", "Kubelet stopped posting node status.") } },

        /* Storage */
        { "MicroShift deploys LVMS if it finds exactly one volume group",
          { .kind = "DaemonSet", .namespace = "openshift-storage", .name = "vg-manager", .reason = "NotFound",
            .vendor = true, .overdue = true } },
        { "One of the storage driver's pods is missing",
          { .kind = "Pods", .namespace = "openshift-storage", .name = "*", .reason = "NoPods",
            .message = "1 of 2 pods exist", .vendor = true } },
        { "creates no pod on the node while it has that taint", /* although LVMS is there */
          { .kind = "DaemonSet", .namespace = "openshift-storage", .reason = "NoPods",
            .message = "0 of 1 pods exist; the node a has the taint node.kubernetes.io/not-ready, which they do not "
                       "tolerate" } },
        { "set Scope=cluster",
          { .kind = "Deployment", .namespace = "openshift-storage", .reason = "NoPods",
            .message = "0 of 1 pods exist on this node; the status counts 1 in the cluster" } },
        { "A rollout is not complete",
          { .kind = "DaemonSet", .namespace = "openshift-storage", .reason = "NoPods",
            .message = "0 of 1 pods of the newest revision exist" } },
        { "LVMS lacks a volume group or free space in it",
          { POD("Pending", "0/1 nodes are available: 1 node(s) did not have enough free storage.") } },
        { "LVMS does not come up",
          { POD("CrashLoopBackOff", "back-off 5m0s restarting failed container=vg-manager pod=vg-manager-x"),
            .namespace = "openshift-storage" } },
        { "are created by service-ca",
          { POD("ContainerCreating", NULL), .namespace = "openshift-dns",
            EVENT("FailedMount", "MountVolume.SetUp failed for volume \"metrics-tls\" : secret "
                                 "\"dns-default-metrics-tls\" not found") } },
        { "refers to a Secret or ConfigMap that its namespace does not have",
          { POD("ContainerCreating", NULL), .namespace = "shop",
            EVENT("FailedMount", "MountVolume.SetUp failed for volume \"tls\" : secret \"shop-tls\" not found") } },
        { "refers to a Secret or ConfigMap that its namespace does not have",
          { POD("CreateContainerConfigError", "configmap \"settings\" not found"), .namespace = "shop" } },
        { "refers to a Secret or ConfigMap that its namespace does not have", /* service-ca's are all mounted */
          { POD("CreateContainerConfigError", "secret \"argocd-redis\" not found"), .namespace = "openshift-gitops" } },
        { "creates this in each namespace",
          { POD("ContainerCreating", NULL), .namespace = "openshift-dns",
            EVENT("FailedMount", "MountVolume.SetUp failed for volume \"kube-api-access-abcde\" : configmap references "
                                 "non-existent config key: service-ca.crt") } },
        { "creates this in each namespace",
          { POD("ContainerCreating", NULL), .namespace = "shop",
            EVENT("FailedMount", "MountVolume.SetUp failed for volume \"kube-api-access-abcde\" : [configmap "
                                 "\"kube-root-ca.crt\" not found, configmap \"openshift-service-ca.crt\" not found]") } },
        { "Its PersistentVolumeClaim is not bound",
          { POD("Pending", "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.") } },
        { "Its PersistentVolumeClaim is not bound",
          { POD("Pending", "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded") } },
        { "Its PersistentVolumeClaim is not bound",
          { POD("Pending", "running PreBind plugin \"VolumeBinding\": binding volumes: timed out waiting for the condition") } },
        { "Its PersistentVolumeClaim is not bound",
          { POD("Pending", "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. "
                           "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.") } },
        { "Its volume belongs to another node",
          { POD("Pending", "0/1 nodes are available: 1 node(s) had volume node affinity conflict.") } },
        { "Its volume belongs to another node",
          { POD("Pending", "0/1 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity.") } },
        { "which volume cannot be mounted",
          { POD("ContainerCreating", NULL), EVENT("FailedMount", "Unable to attach or mount volumes: timed out") } },

        /* Scheduling */
        { "The node has too little left", { POD("Pending", "0/1 nodes are available: 1 Insufficient cpu.") } },
        { "The node has too little left",
          { POD("Pending", NULL), EVENT("FailedScheduling", "0/1 nodes are available: 1 Too many pods.") } },
        { "The node has too little left",
          { .kind = "Deployment", .reason = "NoPods",
            EVENT("OutOfmemory", "Pod was rejected: Node didn't have enough resource: memory, requested: 1053818880, used: "
                                 "5740953600, capacity: 6198358016") } },
        { "The pod waits for the node",
          { POD("Pending", "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }.") } },
        { "The node is cordoned", { POD("Pending", "0/1 nodes are available: 1 node(s) were unschedulable.") } },
        { "No node fits the pod's node selector",
          { POD("Pending", "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.") } },
        { "A scheduling gate holds the pod back", { POD("SchedulingGated", "Scheduling is blocked") } },

        /* Running it */
        { "asks for more than its service account may have",
          { .kind = "ReplicaSet", .reason = "FailedCreate",
            .message = "pods \"x\" is forbidden: unable to validate against any security context constraint: []" } },
        { "The kernel killed the container", { POD("OOMKilled", "container c ended with exit code 137") } },
        { "The kernel keeps killing the container",
          { POD("CrashLoopBackOff", "back-off 20s; last exit: OOMKilled, exit code 137") } },
        { "SELinux or a file mode forbids it",
          { POD("CreateContainerError", "container create failed: open /var/lib/microshift/x: permission denied") } },
        { "SELinux or a file mode forbids it",
          { POD("CreateContainerError", "relabel failed /data: lsetxattr /data: operation not supported") } },
        { "compare default_ulimits", /* which is no matter of labels */
          { POD("CreateContainerError", "container create failed: setrlimit `RLIMIT_NOFILE`: Operation not permitted") } },
        { "compare default_ulimits",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: runc create failed: unable to start container "
                                            "process: error setting rlimits for ready process: error setting rlimit type 7: "
                                            "operation not permitted") } },
        { "compare the container's securityContext",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: listen tcp :80: bind: permission denied") } },
        { "compare the container's securityContext",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: chown /data: Operation not permitted") } },
        { "Another process has the port",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: listen tcp :443: bind: address already in use") } },
        { "The kubelet cannot put the container's configuration together",
          { POD("CreateContainerConfigError", "container has runAsNonRoot and image will run as root") } },
        { "The container cannot be started", { POD("RunContainerError", "exec: \"nope\": executable file not found") } },
        { "CRI-O cannot create the pod's sandbox",
          { POD("ContainerCreating", NULL), EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: name is "
                                                                            "reserved") } },
        { "The container keeps exiting", { POD("CrashLoopBackOff", "back-off 10s restarting failed container=c") } },
        { "The container keeps exiting", { POD("Init:CrashLoopBackOff", "back-off 10s restarting failed container=c") } },
        { "The kubelet lost track of the container",
          { POD("ContainerStatusUnknown", "The container could not be located when the pod was terminated") } },
        { "A container failed", { POD("Error", "container c ended with exit code 1") } },
        { "A container failed", { POD("Init:ExitCode:4", "container c ended with exit code 4") } },
        { "Its probe fails",
          { POD("ContainersNotReady", "containers with unready status: [c]"),
            EVENT("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503") } },
        { "A readiness gate holds the pod back", { POD("ReadinessGatesNotReady", NULL) } },
        { "The node is being deleted", { NODE("Terminating", "the node is being deleted") } },
        { "The previous pod is still terminating",
          { .kind = "StatefulSet", .reason = "NoPods", EVENT("Terminating", NULL) } },
        { "oc get pod -o yaml shows its finalizers",
          { .kind = "StatefulSet", .reason = "NoPods", EVENT("Terminating", NULL) } },
        { "Its pods cannot be created", { .kind = "ReplicaSet", .reason = "FailedCreate", .message = "exceeded quota" } },

        /* Ours */
        { "This status is from an earlier boot", { NODE("StaleBoot", "the kubelet has not reported a boot ID yet") } },
        { "Ready is an old status",
          { POD("Unproven", "it is reported Ready, but container a is not found below /sys/fs/cgroup") } },
        { "older than what runs on this host",
          { POD("Unproven", "it is reported Ready, but container a no longer runs on this host") } },
        { "Proof=observed",
          { POD("Unreadable", "the ID of its container a cannot be the name of a control group: such an ID") } },
        { "compare CgroupRoot=",
          { POD("Unproven", "cannot tell whether its container c is alive: /sys/fs/cgroup: Permission denied") } },
        { "once the pod's node has been seen alive",
          { POD("Unproven", "it was already Ready when watching began; nothing proves that this is from the current boot") } },
        { "the [Workload] or [Pods] of the same gate",
          { .kind = "certificates", .reason = "Unproven",
            .message = "what it says may be of an earlier boot: its controller has not been seen to act" } },
        { "the kubelet is not running or cannot write to the API server", { NODE("KubeletSilent", NULL) } },
        { "This build of MicroShift may not ship it",
          { .kind = "DaemonSet", .reason = "NotFound", .vendor = true, .overdue = true } },
        { "install the package microshift-multus",
          { .kind = "DaemonSet", .namespace = "openshift-multus", .reason = "NotFound", .vendor = true,
            .overdue = true } },
        { "MicroShift has not created it yet", { .kind = "DaemonSet", .reason = "NotFound", .vendor = true } },
        { "Set Namespace= in the gate's file",
          { .kind = "certificates", .reason = "NotFound",
            .message = "none exists without a namespace, only in the namespace shop" } },
        { "oc api-resources",
          { .kind = "certificates", .reason = "NotFound",
            .message = "the API server does not know the resource a.b/v1/certificates in a namespace" } },
        { "it gets one when a pod that uses it starts",
          { .kind = "persistentvolumeclaims", .reason = "status.phase", .message = "status.phase is Pending" } },
        { "No object of that name exists", { .kind = "Deployment", .reason = "NotFound", .overdue = true } },
        { "No pod matches", { .reason = "NoPods" } },
        { "creates no pod on the node while it has that taint",
          { .kind = "DaemonSet", .reason = "NoPods",
            .message = "0 of 1 pods exist; the node a has the taint node.kubernetes.io/not-ready, which they do not "
                       "tolerate" } },
        { "set Scope=cluster",
          { .kind = "Deployment", .reason = "NoPods",
            .message = "0 of 1 pods exist on this node; the status counts 1 in the cluster" } },
        { "A rollout is not complete",
          { .kind = "Deployment", .reason = "NoPods", .message = "0 of 1 pods of the newest revision exist" } },
        { "A rollout is not complete", { POD("OldRevision", "it is of revision 3, and 4 is the newest") } },
        { "matches no node", { .kind = "DaemonSet", .reason = "NoEligibleNode" } },
        { "Remove the taint",
          { .kind = "DaemonSet", .reason = "NoEligibleNode",
            .message = "the node a has the taint own=b:NoSchedule, which its pods do not tolerate" } },
        { "It is scaled to zero", { .kind = "Deployment", .reason = "ScaledToZero" } },
        { "Name this host's node with Node=", { NODE("NodeAmbiguous", "any of these nodes could be this host: a b") } },
        { "Compare Node=", { NODE("NodeNotRegistered", "no node is named x, as Node= says") } },
        { "The kubelet has not registered its node yet",
          { NODE("NodeNotRegistered", "the kubelet has not registered a node") } },
        { "cannot be resolved on this host", { .reason = "ApiUnreachable", .message = "Could not resolve host: edge" } },
        { "do not accept each other's certificates",
          { .reason = "ApiUnreachable", .message = "TLS failed: no client certificate that the server accepts" } },
        { "do not accept each other's certificates",
          { .reason = "ApiUnreachable", .message = "SSL certificate problem: self-signed certificate in chain" } },
        { "The API server does not answer", { .reason = "ApiUnreachable", .message = "Connection refused" } },
        { "The API server does not answer", /* a handshake that breaks says nothing of certificates */
          { .reason = "ApiUnreachable", .message = "TLS failed: wrong version number" } },
        { "The API server is not ready", /* it may start, stop, or lack its database */
          { .reason = "ApiNotReady", .message = "[-]poststarthook/rbac/bootstrap-roles failed: reason withheld" } },
        { "Write https:// in front of the server",
          { .reason = "ApiNotReady",
            .message = "/readyz answered 400: Client sent an HTTP request to an HTTPS server." } },
        { "is listing the API's objects", { .reason = "NotSynced" } },
        { NULL, { .kind = "Api", .reason = "NotAsked", .message = "the API server has not been asked yet" } },
        { NULL, { NODE("NotAsked", "the API server has not been asked yet") } },
        { NULL, { .kind = "Endpoint", .reason = "NotAsked", .message = "it has not been asked yet" } },
        { "has not acted on the newest specification", { POD("NotObserved", NULL) } },
        { "Make the object smaller", { POD("Unreadable", "it has 1025 labels; at most 1024 are read") } },
        { "refuses the kubeconfig's credentials", { .reason = "Unauthorized" } },
        { "The account may not read this",
          { .reason = "Forbidden", .message = "pods is forbidden: User \"x\" cannot list resource \"pods\"" } },
        { "MicroShift writes the kubeconfig when it starts", { .reason = "KubeconfigMissing" } },
        { "Compare Context=",
          { .reason = "KubeconfigInvalid",
            .message = "/k:8: no context \"a\"; it may be in the middle of being written" } },
        { "MicroShift writes the kubeconfig again", { .reason = "KubeconfigInvalid" } },
        { "MicroShift writes the kubeconfig again",
          { .reason = "KubeconfigInvalid", .message = "/k:8: no user \"context\"" } },
        { "msready check-config", { .reason = "InvalidGate" } },

        /* Addresses */
        { "No name server in", { .kind = "Endpoint", .reason = "NameServerSilent" } },
        { "Correct CAFile=", { .kind = "Endpoint", .reason = "CAUnreadable", .message = "Permission denied" } },
        { "wildcard DNS record", { .kind = "Endpoint", .reason = "Error", .message = "no such host" } },
        { "Nothing listens there", { .kind = "Endpoint", .message = "Connection refused" } },
        { "The certificate is not trusted", { .kind = "Endpoint", .message = "SSL certificate problem" } },
        { "TLS failed before the server sent a certificate",
          { .kind = "Endpoint", .reason = "TLS", .message = "TLS failed: wrong version number" } },
        { "asks for a client certificate",
          { .kind = "Endpoint", .reason = "TLS", .message = "TLS failed: no client certificate that the server accepts" } },
        { "No answer: check", { .kind = "Endpoint", .message = "Connection timed out" } },
        { "the router pod's own", { .kind = "Endpoint", .reason = "Unreachable",
                                    .message = "no route to the address, or the connection is not allowed" } },
        { "not one that ExpectStatus=", { .kind = "Endpoint", .reason = "UnexpectedStatus",
                                    .message = "it answered 404, expected 200-399" } },
        { "No valid HTTP answer came", { .kind = "Endpoint", .reason = "NotHTTP", .message = "the answer is not HTTP" } },
        { "or the application itself is not available", { .kind = "Endpoint", .message = "answered 503" } },

#define AT(url, text) { .kind = "Endpoint", .name = url, .host_name = "edge1", .message = text }
        { "the service that should, with", AT("http://localhost:8080/app", "connection refused") },
        { "the service that should, with", AT("https://LocalHost./", "connection refused") },
        { "the service that should, with", AT("http://127.0.0.1", "connection refused") },
        { "the service that should, with", AT("http://[::1]:8080/", "connection refused") },
        { "the service that should, with", AT("http://Edge1:8080/app", "connection refused") },
        { "the service that should, with", AT("http://edge1:800", "connection refused") },
        { "does not answer in time", AT("http://localhost:8080/", "timed out: no answer within 10 s") },
        { "reports that it is unavailable", AT("http://localhost:8080/", "it answered 503, expected 200-399") },
        { "see the gate ingress", AT("http://shop.apps.lab.example.com:8080/", "connection refused") },
        { "see the gate ingress", AT("http://localhost.example.com/", "connection refused") },
        { "see the gate ingress", AT("http://127.example.com/", "connection refused") },
        { "see the gate ingress", AT("http://10.0.0.1/?at=://localhost", "connection refused") },
        /* The router listens at the host's own addresses. */
        { "see the gate ingress", AT("http://edge1/shop", "connection refused") },
        { "see the gate ingress", AT("https://edge1:443", "connection refused") },
        { "see the gate ingress", AT("http://edge1:80?x", "connection refused") },
        { "see the gate ingress", AT("http://edge12:8080/", "connection refused") },
        { "The router has no endpoint", AT("http://shop.apps.lab.example.com/", "it answered 503, expected 200-399") },
#undef AT

        { "look at the service that should", { .kind = "Socket", .reason = "ConnectionRefused",
                                               .message = "connection refused" } },
        { "The connection is not established", { .kind = "Socket", .reason = "TimedOut",
                                         .message = "timed out: no connection within 10 s" } },
        { "check Connect=", { .kind = "Socket", .reason = "NameNotFound", .message = "the name does not resolve: b: x" } },
        { "cannot reach the socket", { .kind = "Socket", .reason = "NotFound", .message = "no such socket" } },
        { "cannot reach the socket", { .kind = "Socket", .reason = "Forbidden" } },

        /* What must not be mistaken */
        { "A limit on open files was reached", /* not that of inotify, as far as is known */
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: accept tcp [::]:8080: accept4: too many open files") } },
        { "The container keeps exiting",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: fsnotify watcher: no such file or directory") } },
        { "see the gate dns",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: lookup x on 10.43.0.10:53: read: connection refused") } },
        { "see the gate api",
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: dial tcp 10.43.0.1:443: connect: connection refused") } },
        { "Run crictl pull IMAGE", { POD("ImagePullBackOff", "Back-off pulling image \"quay.io/x/openvswitch:1\"") } },
        { "A CNI plugin failed",
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "error adding pod shop_web to CNI network \"cbr0\": plugin type=\"flannel\" "
                                            "failed (add): open /run/flannel/subnet.env: no such file or directory") } },
        { "CRI-O cannot create the pod's sandbox", /* which needs no registry for that */
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: mounting overlay: context deadline exceeded") } },
        { NULL, { POD("ContainerCreating", NULL), EVENT("Failed", "Error: context deadline exceeded") } },
        { "CRI-O cannot create the pod's sandbox", /* nor its credentials */
          { POD("ContainerCreating", NULL),
            EVENT("FailedCreatePodSandBox", "Failed to create pod sandbox: mkdir /run/x: permission denied: x") } },
        { NULL, { POD("ContainerCreating", NULL) } },
        { NULL, { POD("ContainerCreating", "pulling quay.io/x"), EVENT("Pulling", "pulling quay.io/x"), } },
        { NULL, { POD("WhateverComesNext", "in words that nobody has heard") } },
        { NULL, {} },
        { NULL, { .kind = "Pod", .message = "connection refused" } },
        { "The container keeps exiting", /* the log of an application is no word of a registry */
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: dial tcp 10.0.0.5:5432: connection refused"),
            EVENT("BackOff", "Back-off restarting failed container app in pod app-1") } },
        { "The container keeps exiting", /* one reason, the other's text */
          { POD("CrashLoopBackOff", "last exit: Error, exit code 1: unauthorized"),
            EVENT("BackOff", "Back-off restarting failed container app in pod app-1") } },
        { "refers to a Secret", { POD("CreateContainerConfigError", "secret \"x\" not found"), .namespace = "my-openshift" } },
};
/* clang-format on */

static void test_cases(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                const Case *c = &cases[i];
                const char *hint = hint_for(&c->q);

                if (!c->hint != !hint || (hint && !strstr(hint, c->hint)))
                        fail_msg("%s, \"%s\", \"%s\": got \"%s\", not \"%s\"", strna(c->q.reason),
                                 strna(c->q.message), strna(c->q.event_message), strna(hint),
                                 strna(c->hint));
        }
}

/* Each row is reached by one of the cases: none stands in the shadow of another. */
static void test_every_row(void **state) {
        for (size_t i = 0; hint_nth(i); i++) {
                bool reached = false;

                for (size_t k = 0; k < ELEMENTSOF(cases) && !reached; k++)
                        reached = hint_for(&cases[k].q) == hint_nth(i);
                if (!reached)
                        fail_msg("nothing leads to \"%s\"", hint_nth(i));
        }
}

/* One sentence, on one line. */
static void test_form(void **state) {
        size_t i;

        for (i = 0; hint_nth(i); i++) {
                const char *h = hint_nth(i);

                assert_non_null(endswith(h, "."));
                assert_null(strstr(h, ". "));
                assert_null(strchr(h, '\n'));
                assert_null(strstr(h, "  "));
                assert_true(strlen(h) < 300);
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(h, hint_nth(k));
        }
        assert_true(i > 80);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_every_row),
                cmocka_unit_test(test_form),
        };
        return cmocka_run_group_tests_name("ready-hint", tests, NULL, NULL);
}
