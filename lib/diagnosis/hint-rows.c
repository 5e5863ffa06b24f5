/* SPDX-License-Identifier: Apache-2.0 */

/* The table of hints, in which the first row that matches wins, so that special rows stand before general
 * ones. A row matches if everything it names matches: one of its reasons (without kubectl's "Init:"; the
 * newest event's reason counts too), one of its texts in the message that comes with that reason, and its
 * other columns. */

#include "diagnosis/hint-internal.h"

/* The reasons that a failed pull comes with; a sandbox has an image too. */
#define PULL "ErrImagePull ImagePullBackOff Failed BackOff FailedCreatePodSandBox CreatePodSandboxError"
#define SANDBOX "FailedCreatePodSandBox CreatePodSandboxError NetworkNotReady KubeletNotReady"
#define CRASH "CrashLoopBackOff Error BackOff RunContainerError StartError ContainerCannotRun"
#define CREATE CRASH " CreateContainerError CreateContainerConfigError Failed"
#define MOUNT "FailedMount FailedAttachVolume FailedMapVolume"
/* What happens on a node that is short of a resource. */
#define SUFFERS                                                                                             \
        "Evicted Pending Unschedulable FailedScheduling NoPods ContainerCreating PodInitializing "          \
        "ErrImagePull ImagePullBackOff ImageInspectError ContainerStatusUnknown KubeletNotReady"
#define UNSCHEDULED "Pending FailedScheduling Unschedulable"

/* The ways in which a network fails. `before` names whose: a container that cannot be created has words of its own
 * for a deadline. */
#define UNREACHABLE(before)                                                                                 \
        before "dial tcp|" before "i/o timeout|" before "connection reset|" before                          \
               "TLS handshake timeout|" before "context deadline exceeded|" before                          \
               "network is unreachable|" before "no route to host|" before "proxyconnect|" before           \
               "502 Bad Gateway|" before "503 Service|" before "504 Gateway|" before "unexpected EOF"

const HintRow hint_rows[] = {
        /* Faults of the host, whatever object shows them. */
        { .texts = "inotify*too many open files|fsnotify watcher*too many open files|too many open "
                   "files*fsnotify|inotify*no space left on device",
          .hint = "Raise the kernel's inotify limits, which are too low for this many watchers: put "
                  "fs.inotify.max_user_instances=8192 and fs.inotify.max_user_watches=524288 into a file "
                  "in /etc/sysctl.d and run sysctl --system." },
        { .texts = "too many open files",
          .hint = "A limit on open files was reached, that of a process or of the kernel: look at sysctl "
                  "fs.file-nr fs.inotify.max_user_instances, and at LimitNOFILE= of the service with "
                  "systemctl show crio.service microshift.service -p LimitNOFILE." },
        { .reasons = "Clock",
          .hint = "Set the clock, whose time is outside the certificates' validity: look at timedatectl "
                  "and chronyc tracking, and run chronyc makestep." },
        { .texts = "certificate has expired or is not yet valid|certificate is not yet valid|certificate "
                   "has expired",
          .hint = "Compare the clock with the certificate's dates (timedatectl, chronyc tracking); if the "
                  "clock is right and the certificate is MicroShift's own, restart microshift.service, "
                  "which renews it." },
        { .texts = "is not an address of this host",
          .kind = "Node",
          .hint = "The host no longer has the node's address, and MicroShift restarts to use another one: "
                  "if it keeps restarting, give the host a static address, or set node.nodeIP in "
                  "/etc/microshift/config.yaml." },
        { .reasons = "ApiUnreachable",
          .texts = "node.hostnameOverride in its configuration",
          .hint = "Set node.hostnameOverride in /etc/microshift/config.yaml back to its former value and "
                  "restart microshift.service: MicroShift starts only under that name or the host's own." },
        { .texts = "plugin/loop|Loop*detected for zone",
          .hint = "CoreDNS forwards to itself: put a real name server into the host's /etc/resolv.conf "
                  "instead of a local stub such as 127.0.0.53, then restart microshift.service." },
        { .texts = "10.43.0.10:53*connection refused",
          .hint = "Nothing answers at the address of the cluster's DNS: see the gate dns." },
        { .texts = "10.43.0.10:53*i/o timeout|10.43.0.10:53*no route to host",
          .hint = "Pods cannot reach the cluster's DNS: see the gates dns and ovn (in a community build "
                  "kube-proxy), and if firewalld is running, make it trust the pods with firewall-cmd "
                  "--permanent --zone=trusted --add-source=10.42.0.0/16 --add-source=169.254.169.1 and "
                  "firewall-cmd --reload." },
        { .texts = "10.43.0.1:443*connection refused",
          .hint = "The API refused the pod's connection, as it does while MicroShift is not running: see "
                  "the gate api." },
        { .texts = "10.43.0.1:443*i/o timeout|10.43.0.1:443*no route to host",
          .hint = "Pods cannot reach the API: see the gate ovn (in a community build kube-proxy) and "
                  "firewall-cmd --zone=trusted --list-sources (it needs 10.42.0.0/16 and 169.254.169.1), "
                  "and restart microshift.service if the host's address changed." },
        { .texts = "named br-ex|interface br-ex|bridge br-ex|link br-ex|run/openvswitch|ovs-vsctl|"
                   "failed to init default node network",
          .hint = "Open vSwitch is not working: look at systemctl status openvswitch.service "
                  "microshift-ovs-init.service, restart both, then microshift.service." },

        /* An application's address. */
        { .reasons = "NameServerSilent",
          .hint = "No name server in /etc/resolv.conf answers this host: try getent hosts with the "
                  "host's name, and look at nmcli device show." },
        { .reasons = "CAUnreadable",
          .hint = "Correct CAFile= in the gate's file; the sandbox of msready.service hides /home, /root "
                  "and /tmp." },
        { .texts = "no such host|not resolve|name not found|NXDOMAIN|not known|no address",
          .kind = "Endpoint",
          .hint = "The name does not resolve on this host: check the wildcard DNS record of the Route's "
                  "domain, and that the first name server in /etc/resolv.conf knows it, because its "
                  "negative answer is final." },
        { .texts = "refused",
          .kind = "Endpoint",
          .is_local = true,
          .hint = "Nothing listens at that port of this host: look at the service that should, with "
                  "systemctl status and ss -ltnp, or at the pod that serves the port." },
        { .texts = "timed out|timeout",
          .kind = "Endpoint",
          .is_local = true,
          .hint = "What listens at that port of this host does not answer in time: look at its log and at ss "
                  "-ltnp, which shows what it is and how many connections wait." },
        { .texts = "answered 503",
          .kind = "Endpoint",
          .is_local = true,
          .hint = "The service at that port of this host reports that it is unavailable: look at its log; ss "
                  "-ltnp shows which service it is." },
        { .texts = "refused",
          .kind = "Endpoint",
          .hint = "Nothing listens there, or a firewall rejects the connection: see the gate ingress and "
                  "oc get pods -n openshift-ingress." },
        { .texts = "no client certificate that",
          .kind = "Endpoint",
          .hint = "The server asks for a client certificate, which msready does not have: use a URL that "
                  "needs none." },
        { .texts = "certificate",
          .kind = "Endpoint",
          .hint = "The certificate is not trusted or is for another name: set CAFile= in the gate's file, "
                  "or correct the certificate of the Route or service." },
        { .texts = "TLS|SSL",
          .kind = "Endpoint",
          .hint = "TLS failed before the server sent a certificate: check that the port of URL= speaks "
                  "TLS, and read the log of what listens there." },
        { .texts = "timed out|timeout|no route",
          .kind = "Endpoint",
          .hint = "No answer: check the address that the name resolves to (the router pod's own, "
                  "10.42.x.x, changes with each new pod), the firewall, and the gate ingress." },
        { .texts = "answered 503",
          .kind = "Endpoint",
          .hint = "The router has no endpoint for it, or the application itself is not available: check the "
                  "Route, its Service and the application's pods." },
        { .reasons = "UnexpectedStatus",
          .hint = "The status is not one that ExpectStatus= in the gate's file allows: look at the "
                  "application's log, or correct ExpectStatus=." },
        { .reasons = "Disconnected NotHTTP",
          .hint = "No valid HTTP answer came: check the scheme and port of URL= in the gate's file, and "
                  "the application's log." },

        { .texts = "refused",
          .kind = "Socket",
          .hint = "Nothing listens there, or a firewall rejects the connection: look at the service that "
                  "should with systemctl status and ss -ltnp, for a unix socket ss -lxp, and check "
                  "Connect= in the gate's file." },
        { .texts = "timed out|no route|firewall",
          .kind = "Socket",
          .hint = "The connection is not established: check whether the service accepts connections (ss "
                  "-ltn, for a unix socket ss -lx, shows how many wait) and, for another host, its address "
                  "and the firewall." },
        { .texts = "not resolve",
          .kind = "Socket",
          .hint = "The name has no address here: check Connect= in the gate's file and /etc/resolv.conf "
                  "with getent hosts." },
        { .reasons = "NotFound Forbidden",
          .kind = "Socket",
          .hint = "The daemon cannot reach the socket: look at the service that creates it, and check "
                  "Connect= in the gate's file; msready.service cannot see /home, /root or /tmp, and "
                  "runs as root without capabilities, so the socket's mode applies to it." },

        /* The pod's networks, whose errors share words with those of a registry. */
        { .texts = "cannot find a network-attachment-definition",
          .hint = "The pod asks for an additional network that does not exist: compare its annotation "
                  "k8s.v1.cni.cncf.io/networks with oc get network-attachment-definitions -A." },
        { .reasons = SANDBOX,
          .texts = "CNI request failed|cni-server|ovn-kubernetes*dial unix|failed to configure pod "
                   "interface|CNI network \"ovn-kubernetes",
          .hint = "OVN-Kubernetes did not give the pod an address: see the gate ovn and oc logs -n "
                  "openshift-ovn-kubernetes daemonset/ovnkube-master --all-containers." },
        { .reasons = SANDBOX,
          .texts = "error adding pod*to CNI network",
          .hint = "A CNI plugin failed to connect the pod: the message says which, and journalctl -b -u "
                  "crio.service has more." },
        { .reasons = "FailedCreatePodSandBox CreatePodSandboxError",
          .texts = "code = DeadlineExceeded",
          .hint = "CRI-O did not create the pod's sandbox in time: look at journalctl -b -u "
                  "crio.service, the gate ovn and the load on the disk." },

        /* The pull secret. */
        { .texts = "openshift-pull-secret*no such file|openshift-pull-secret*permission denied",
          .hint = "Save the pull secret from console.redhat.com/openshift/install/pull-secret as "
                  "/etc/crio/openshift-pull-secret, owned by root with mode 0600, and restart "
                  "crio.service." },
        { .reasons = PULL,
          .texts = "unauthorized|authentication required|invalid username/password|unable to retrieve "
                   "auth token|Please login to the Red Hat Registry|access to the resource is denied|403 "
                   "(Forbidden)|401 (Unauthorized)|: denied",
          .hint = "The registry refuses this host's credentials: check /etc/crio/openshift-pull-secret "
                  "(root, mode 0600, an entry for that registry), or the pod's imagePullSecrets, then "
                  "restart crio.service." },
        { .reasons = PULL,
          .texts = "toomanyrequests|429 Too Many Requests|rate limit",
          .hint = "The registry limits anonymous pulls: add credentials for it to "
                  "/etc/crio/openshift-pull-secret, or configure a mirror in a file in "
                  "/etc/containers/registries.conf.d." },

        { .reasons = PULL " SignatureValidationFailed",
          .texts = "SignatureValidationFailed|Source image rejected",
          .hint = "The host's signature policy rejects the image: look at /etc/containers/policy.json and "
                  "/etc/containers/registries.d." },

        /* The registry's name and address. The sandbox's image has no policy. */
        { .reasons = "ErrImagePull ImagePullBackOff Failed BackOff",
          .texts = "dial tcp|no such host|i/o timeout|pinging container registry*context deadline|TLS "
                   "handshake timeout|proxyconnect|network is unreachable|no route to host",
          .pull_always = true,
          .hint = "The registry cannot be reached, and the container's imagePullPolicy is Always: set it "
                  "to IfNotPresent (in the guide's Argo CD: oc edit statefulset "
                  "argocd-application-controller -n openshift-gitops) so that the image on this host is "
                  "used." },
        { .reasons = PULL,
          .texts = "lookup *i/o timeout|lookup *no such host|lookup *server misbehaving|lookup "
                   "*connection refused|Temporary failure in name resolution",
          .hint = "This host cannot resolve the registry's name: check /etc/resolv.conf and the network "
                  "with getent hosts quay.io." },
        { .reasons = PULL,
          .texts = "certificate signed by unknown authority|unable to verify*certificate|self-signed "
                   "certificate",
          .hint = "The registry's certificate is from a CA that this host does not trust: put the CA into "
                  "/etc/pki/ca-trust/source/anchors, run update-ca-trust and restart crio.service." },
        { .reasons = PULL,
          .texts = UNREACHABLE("pull*") "|" UNREACHABLE("registry*") "|" UNREACHABLE("docker://*"),
          .hint = "This host cannot reach the registry: try curl -I https://quay.io/v2/ here, and set a "
                  "proxy for CRI-O in /etc/systemd/system/crio.service.d if the site needs one." },
        { .reasons = "ErrImagePull ImagePullBackOff",
          .texts = UNREACHABLE(""),
          .hint = "The pull failed on its way to the registry: try curl -I https://quay.io/v2/ here, and "
                  "look at journalctl -b -u crio.service." },
        { .reasons = PULL,
          .texts = "no image found in manifest list|no image found in image index|no matching manifest",
          .hint = "The image is not built for this host's architecture (uname -m): replace it in the "
                  "workload with one that is." },
        { .reasons = PULL " InvalidImageName",
          .texts = "manifest unknown|name unknown|repository does not exist|repository name not known|"
                   "reading manifest*not found|invalid reference format|couldn't parse image|"
                   "InvalidImageName|invalid tag|requested image not found",
          .hint = "No such image: correct its name or tag in the workload; skopeo inspect docker://IMAGE "
                  "on this host shows whether it exists." },
        { .reasons = "InvalidImageName",
          .hint = "The image name is not valid: correct it in the workload." },
        { .reasons = PULL,
          .texts = "short-name",
          .hint = "Write the image's name with its registry in front (docker.io/library/NAME): CRI-O does "
                  "not guess the registry." },
        { .reasons = "ErrImageNeverPull",
          .hint = "Its imagePullPolicy is Never and the image is not on this host: run crictl pull "
                  "IMAGE, or change the policy." },
        { .texts = "no space left on device",
          .hint = "A file system is full, or has no inodes left: look at df -h and df -i, of "
                  "/var/lib/containers and /var/lib/kubelet among others, and free space, for instance "
                  "with crictl rmi --prune." },

        /* Resources that the node is short of. */
        { .reasons = UNSCHEDULED " OutOf*",
          .texts = "Insufficient |Too many pods|Node didn't have enough resource",
          .hint = "The node has too little left of what the pod requests: oc describe node shows what is "
                  "allocated; lower the requests or stop something else." },
        { .reasons = SUFFERS,
          .texts = "low on resource: ephemeral-storage|low on resource: inodes|low on resource: "
                   "imagefs|low on resource: nodefs|condition: [*DiskPressure|disk-pressure|node has "
                   "DiskPressure",
          .hint = "The disk is nearly full, or short of inodes: look at df -h and df -i of "
                  "/var/lib/containers /var/lib/kubelet and free space, for instance with crictl rmi "
                  "--prune." },
        { .reasons = SUFFERS,
          .texts = "low on resource: memory|condition: [*MemoryPressure|memory-pressure|node has "
                   "MemoryPressure",
          .hint = "The host is short of memory: look at free -m and crictl stats, and stop or limit what "
                  "uses most." },
        { .reasons = SUFFERS,
          .texts = "low on resource: pids|condition: [*PIDPressure|pid-pressure|node has PIDPressure",
          .hint = "The host is short of process IDs: look at systemd-cgtop --order=tasks and sysctl "
                  "kernel.pid_max." },
        { .reasons = SUFFERS,
          .texts = "node has NetworkUnavailable",
          .hint = "The node's network is not set up: see the gate ovn and oc get pods -n "
                  "openshift-ovn-kubernetes (in a community build the gate kindnet, and -n kube-kindnet)." },

        /* Pulls whose message says no more. */
        { .reasons = "ErrImagePull ImagePullBackOff",
          .pull_always = true,
          .hint = "The container's imagePullPolicy is Always, so CRI-O asks the registry at each start: "
                  "set it to IfNotPresent to use the image on this host, and run crictl pull IMAGE to see "
                  "the registry's answer." },
        { .reasons = "ErrImagePull ImagePullBackOff ImageInspectError RegistryUnavailable",
          .hint = "Run crictl pull IMAGE on this host to see the registry's answer; check "
                  "/etc/crio/openshift-pull-secret." },

        /* The network of the pods. */
        { .texts = "no CNI configuration file|No CNI config|NetworkPluginNotReady|cni plugin not "
                   "initialized|failed to find plugin*ovn-k8s",
          .hint = "The pods' network is not configured, for which ovnkube-master writes "
                  "/etc/cni/net.d/10-ovn-kubernetes.conf: see the gate ovn, oc get pods -n "
                  "openshift-ovn-kubernetes, and systemctl status openvswitch.service "
                  "microshift-ovs-init.service; in a community build see the gate kindnet." },

        /* The node. */
        { .reasons = "Evicted",
          .hint = "The kubelet evicted the pod: if it went over a limit of its own, raise the limit; "
                  "otherwise oc describe node shows the pressure that the node was under." },
        { .reasons =
                  "UnexpectedAdmissionError NodeAffinity NodePorts Preempting Terminated Shutdown NodeShutdown",
          .hint = "The kubelet rejected or ended the pod: the pod's controller creates another one in "
                  "time, and a pod without a controller must be created again." },
        { .reasons = "KubeletNotReady",
          .texts = "container runtime is down|runtime status check|crio.sock|container runtime not ready",
          .hint = "The kubelet gets no answer from CRI-O: look at systemctl status crio.service and "
                  "journalctl -b -u crio.service; just after a start this goes away by itself." },
        { .reasons = "KubeletNotReady",
          .texts = "PLEG is not healthy",
          .hint = "The kubelet does not get through its list of containers in time: look at systemctl "
                  "status crio.service, journalctl -b -u crio.service and the load on the disk." },
        { .reasons = "KubeletNotReady",
          .texts = "node is shutting down",
          .hint = "The host is shutting down: systemctl list-jobs shows what it waits for." },
        { .reasons = "KubeletNotReady",
          .hint = "journalctl -b -u microshift.service -g kubelet shows why the kubelet does not report "
                  "the node as ready." },
        { .reasons = "NodeStatusUnknown NodeStatusNeverUpdated",
          .hint = "The kubelet, which is a part of MicroShift, does not report: look at systemctl status "
                  "microshift.service and journalctl -b -u microshift.service." },

        /* Pods that a workload lacks, in any namespace. */
        { .reasons = "NoPods",
          .texts = "has the taint node.kubernetes.io/",
          .hint = "The DaemonSet's controller creates no pod on the node while it has that taint: see "
                  "the gate node." },
        { .reasons = "NoPods OldRevision",
          .texts = "of the newest revision exist|is the newest",
          .hint = "A rollout is not complete: oc rollout status and oc describe of the workload show what it "
                  "waits for; oc rollout undo goes back, and Revision=any in the gate's file counts old pods." },
        { .reasons = "NoPods",
          .texts = "the status counts",
          .hint = "Pods on other nodes do not count with Scope=node: set Scope=cluster under [Cluster] "
                  "in /etc/msready/msready.conf if the gate should count them." },

        /* Storage. */
        { .reasons = "NoPods",
          .texts = "1 of 2 pods exist",
          .kind = "Pods",
          .namespace = "openshift-storage",
          .hint = "One of the storage driver's pods is missing: oc get deployments,daemonsets -n "
                  "openshift-storage shows which one, and the log of lvms-operator, which creates "
                  "vg-manager, shows why." },
        { .reasons = "NotFound NoPods",
          .namespace = "openshift-storage",
          .hint = "MicroShift deploys LVMS if it finds exactly one volume group, or one named microshift, "
                  "or /etc/microshift/lvmd.yaml: look at vgs, create one, and restart microshift.service; "
                  "if you need no storage, mask the gate." },
        { .texts = "no enough space left on VG|not enough space*volume group|did not have enough free "
                   "storage|volume group*not found",
          .hint = "LVMS lacks a volume group or free space in it: look at vgs and "
                  "/etc/microshift/lvmd.yaml, then restart microshift.service." },
        { .reasons = CRASH,
          .texts = "lvmd|vg-manager|topolvm|volume group",
          .namespace = "openshift-storage",
          .hint = "LVMS does not come up: look at vgs, at /etc/microshift/lvmd.yaml and at oc logs "
                  "--previous -n openshift-storage POD." },
        { .reasons = MOUNT " ContainerCreating PodInitializing",
          .texts = "configmap \"kube-root-ca.crt\" not found|configmap \"openshift-service-ca.crt\" not "
                   "found|non-existent config key: service-ca.crt",
          .hint = "MicroShift itself creates this in each namespace: if it stays missing, see the gate "
                  "service-ca and journalctl -b -u microshift.service." },
        { .reasons = MOUNT " ContainerCreating PodInitializing",
          .texts = "secret *not found",
          .namespace = "openshift-",
          .hint = "The secret does not exist, and most in MicroShift's own namespaces are created by "
                  "service-ca: see the gate service-ca and oc get pods -n openshift-service-ca." },
        { .texts = "secret *not found|configmap *not found|references non-existent secret key|references "
                   "non-existent config key|couldn't find key",
          .hint = "The pod refers to a Secret or ConfigMap that its namespace does not have: create it, "
                  "or correct the name in the workload." },
        { .reasons = UNSCHEDULED,
          .texts = "unbound immediate PersistentVolumeClaims|persistentvolumeclaim *not found|waiting "
                   "for a volume to be created|binding volumes: |persistent volumes to bind",
          .hint = "Its PersistentVolumeClaim is not bound: look at oc describe pvc -n NAMESPACE, the "
                  "gate storage, and vgs." },
        { .reasons = MOUNT,
          .hint = "oc describe pod -n NAMESPACE POD shows which volume cannot be mounted; for volumes of "
                  "LVMS see the gate storage and vgs." },

        /* Scheduling. */
        { .reasons = UNSCHEDULED,
          .texts = "node.kubernetes.io/not-ready|node.kubernetes.io/unreachable|network-unavailable",
          .hint = "The pod waits for the node: see the gate node." },
        { .reasons = UNSCHEDULED,
          .texts = "unschedulable|node(s) were unschedulable",
          .hint = "The node is cordoned: run oc adm uncordon NODE." },
        { .reasons = UNSCHEDULED,
          .texts = "volume node affinity|PersistentVolume's node affinity",
          .hint = "Its volume belongs to another node, perhaps to this host's node under a former name: "
                  "compare oc describe pv with oc get nodes." },
        { .reasons = UNSCHEDULED,
          .texts = "node affinity|node selector|untolerated taint|had taint|free ports",
          .hint = "No node fits the pod's node selector, affinity, tolerations or host ports: compare oc "
                  "describe pod with oc describe node." },
        { .reasons = "SchedulingGated",
          .hint = "A scheduling gate holds the pod back: spec.schedulingGates shows which one." },

        /* Running it. */
        { .texts = "unable to validate against any security context constraint|violates PodSecurity",
          .hint = "The pod asks for more than its service account may have: adjust its securityContext, "
                  "or grant a SecurityContextConstraints to the service account." },
        { .reasons = "OOMKilled",
          .hint = "The kernel killed the container for lack of memory: raise the container's memory limit, "
                  "or look at free -m and journalctl -k -g 'out of memory'." },
        { .texts = "last exit: OOMKilled",
          .hint = "The kernel keeps killing the container for lack of memory: raise the container's memory "
                  "limit, or look at free -m and journalctl -k -g 'out of memory'." },
        { .reasons = CREATE " " SANDBOX,
          .texts = "setrlimit|setting rlimit",
          .hint = "CRI-O is not allowed to set a limit that high: compare default_ulimits in "
                  "/etc/crio/crio.conf and /etc/crio/crio.conf.d with systemctl show crio.service -p "
                  "LimitNOFILE -p LimitNPROC and sysctl fs.nr_open." },
        { .reasons = CREATE " " MOUNT " " SANDBOX,
          .texts = "relabel|selinux label|selinux: |set process label|lsetxattr|setxattr*security.selinux|"
                   "avc: *denied|/var/lib/microshift*permission denied|/var/lib/kubelet*permission denied|"
                   "/var/lib/containers*permission denied",
          .hint = "SELinux or a file mode forbids it: look at ausearch -m avc -ts boot, and correct the "
                  "labels with restorecon -Rv /var/lib/microshift /var/lib/kubelet /var/lib/containers." },
        { .reasons = CREATE,
          .texts = "permission denied|operation not permitted",
          .hint = "It is not permitted: compare the container's securityContext (user, capabilities, "
                  "seccomp profile) with what it needs, and check with ausearch -m avc -ts boot whether "
                  "SELinux is involved." },
        { .reasons = CRASH,
          .texts = "address already in use",
          .hint = "Another process has the port: ss -tulpn shows which." },
        { .reasons = "CreateContainerConfigError",
          .hint = "The kubelet cannot put the container's configuration together: oc describe pod -n "
                  "NAMESPACE POD shows what is missing." },
        { .reasons =
                  "CreateContainerError RunContainerError StartError ContainerCannotRun PreStartHookError "
                  "PostStartHookError",
          .hint = "The container cannot be started: look at oc describe pod -n NAMESPACE POD and "
                  "journalctl -b -u crio.service." },
        { .reasons = "FailedCreatePodSandBox CreatePodSandboxError",
          .hint = "CRI-O cannot create the pod's sandbox: look at journalctl -b -u crio.service." },
        { .reasons = "CrashLoopBackOff",
          .hint = "The container keeps exiting: oc logs --previous -n NAMESPACE POD --all-containers shows "
                  "why." },
        { .reasons = "ContainerStatusUnknown",
          .hint = "The kubelet lost track of the container, as after a power cut, and starts it again; if "
                  "it does not, delete the pod with oc delete pod -n NAMESPACE POD." },
        { .reasons = "Error DeadlineExceeded ExitCode:*",
          .hint = "A container failed: oc logs -n NAMESPACE POD --all-containers shows why." },
        { .reasons = "Unhealthy",
          .hint = "Its probe fails: oc describe pod -n NAMESPACE POD shows the probe's answer, and oc logs "
                  "shows the rest." },
        { .reasons = "ReadinessGatesNotReady",
          .hint = "A readiness gate holds the pod back: the controller that sets this condition has not "
                  "set it." },
        { .reasons = "Terminating",
          .kind = "Node",
          .hint = "The node is being deleted: when it is gone, restart microshift.service, whose kubelet "
                  "registers the node again." },
        { .reasons = "Terminating",
          .hint = "The previous pod is still terminating; if it stays, oc get pod -o yaml shows its "
                  "finalizers, and if it has none oc delete pod --force removes it." },
        { .reasons = "FailedCreate",
          .hint = "Its pods cannot be created: oc describe of the workload shows the API's answer." },

        /* Our own reasons. */
        { .reasons = "StaleBoot",
          .hint = "This status is from an earlier boot and is replaced when the kubelet reports; if it "
                  "is not, look at systemctl status microshift.service." },
        { .reasons = "Unproven",
          .texts = "cannot tell whether",
          .hint = "The daemon looks at the cgroups of the pod's containers: if this lasts, compare "
                  "CgroupRoot= in /etc/msready/msready.conf with systemd-cgls, and look at journalctl -b "
                  "-u msready.service." },
        { .reasons = "Unproven",
          .texts = "nothing proves",
          .hint = "This passes once the pod's node has been seen alive for a minute, or the pod becomes "
                  "Ready again." },
        { .reasons = "Unproven",
          .texts = "its controller has not been seen to act",
          .hint = "It counts once its controller, the [Workload] or [Pods] of the same gate, has been "
                  "ready for half a minute, or as soon as the status is written after the controller is "
                  "ready: look at that check." },
        { .reasons = "Unproven",
          .texts = "was not found below",
          .hint = "Ready is an old status, or the container's control group is elsewhere: compare crictl ps "
                  "with oc get pods -A, and if the container runs, set CgroupRoot= in msready.conf to the "
                  "folder that has the kubelet's group kubepods or kubepods.slice." },
        { .reasons = "Unproven",
          .hint = "The pod's status is older than what runs on this host: if that lasts, compare crictl ps "
                  "with oc get pods -A and read journalctl -b -u microshift.service." },
        { .reasons = "Unreadable",
          .texts = "name of a control group",
          .hint = "No runtime that gives its containers control groups gives such an ID: compare it with "
                  "crictl ps --no-trunc, and use Proof=observed in the gate's file if that is how the "
                  "runtime works." },
        { .reasons = "KubeletSilent",
          .hint = "If this lasts for more than a minute, the kubelet is not running or cannot write to "
                  "the API server: read journalctl -b -u microshift.service -g kubelet." },
        { .reasons = "NotFound",
          .namespace = "openshift-multus",
          .hint = "MicroShift has not created it: install the package microshift-multus, without which "
                  "MicroShift keeps restarting if network.multus.status is Enabled, as journalctl -b -u "
                  "microshift.service -g multus shows." },
        { .reasons = "NotFound",
          .vendor = true,
          .overdue = true,
          .hint = "This build of MicroShift may not ship it: if so, mask the gate with a link from its "
                  "file name in /etc/msready/gates.d to /dev/null and run msready reload." },
        { .reasons = "NotFound",
          .vendor = true,
          .hint = "MicroShift has not created it yet: journalctl -b -u microshift.service shows which "
                  "manifests it has applied." },
        { .reasons = "NotFound",
          .texts = "none exists without a namespace",
          .hint = "Set Namespace= in the gate's file: without it, [Condition] means an object that has no "
                  "namespace." },
        { .reasons = "NotFound",
          .texts = "does not know the resource",
          .hint = "Compare Resource= in the gate's file with oc api-resources, and Namespace= with its "
                  "column NAMESPACED; if the resource is missing there, look at the operator that "
                  "installs it." },
        { .reasons = "NotFound",
          .hint = "No object of that name exists: compare Kind= or Resource=, Namespace= and Name= in the "
                  "gate's file (msready gates) with what oc get -A lists of that kind." },
        { .reasons = "status.phase",
          .kind = "persistentvolumeclaims",
          .texts = "status.phase is Pending",
          .hint = "The claim has no volume yet: oc describe pvc -n NAMESPACE CLAIM shows why; where its storage "
                  "class waits for the first consumer, as MicroShift's own does, it gets one when a pod that "
                  "uses it starts." },
        { .reasons = "NoPods",
          .hint = "No pod matches: compare the gate's file (msready gates) with oc get pods -A -o wide "
                  "--show-labels (with Scope=node pods on other nodes do not count); oc describe of the "
                  "workload shows why it creates none." },
        { .reasons = "NoEligibleNode",
          .texts = "has the taint",
          .hint = "Remove the taint with oc adm taint node NODE KEY-, or give the DaemonSet a toleration." },
        { .reasons = "NoEligibleNode",
          .hint = "The DaemonSet's node selector or affinity matches no node: compare it with oc get "
                  "nodes --show-labels." },
        { .reasons = "ScaledToZero",
          .hint = "It is scaled to zero: run oc scale --replicas=1, or set MinimumReady=0 in the gate's "
                  "file." },
        { .reasons = "NodeAmbiguous",
          .hint = "Name this host's node with Node= under [Cluster] in /etc/msready/msready.conf, and "
                  "delete nodes that a former host name left behind with oc delete node." },
        { .reasons = "NodeNotRegistered",
          .texts = "as Node= says",
          .hint = "Compare Node= in /etc/msready/msready.conf with oc get nodes." },
        { .reasons = "NodeNotRegistered",
          .hint = "The kubelet has not registered its node yet: journalctl -b -u microshift.service -g "
                  "kubelet shows how far it has got." },
        { .reasons = "ApiUnreachable",
          .texts = "resolve",
          .hint = "The server's name in the kubeconfig cannot be resolved on this host: check it with "
                  "getent hosts." },
        { .reasons = "ApiUnreachable",
          .texts = "certificate",
          .hint = "The server and the kubeconfig do not accept each other's certificates: restart "
                  "microshift.service, which writes both again, or correct Kubeconfig= in "
                  "/etc/msready/msready.conf." },
        { .reasons = "ApiUnreachable",
          .hint = "The API server does not answer: look at systemctl status microshift.service, journalctl "
                  "-b -u microshift.service and, after an upgrade, "
                  "/var/lib/microshift-backups/prerun_failed.log." },
        { .reasons = "ApiNotReady",
          .texts = "HTTP request to an HTTPS server",
          .hint = "Write https:// in front of the server in the kubeconfig: without it the server is asked over "
                  "plain HTTP." },
        { .reasons = "ApiNotReady",
          .hint = "The API server is not ready: curl -sk 'https://localhost:6443/readyz?verbose' lists what "
                  "it waits for, and journalctl -b -u microshift.service says why." },
        { .reasons = "NotSynced",
          .hint = "The daemon is listing the API's objects; if that lasts, journalctl -b -u "
                  "msready.service says why." },
        { .reasons = "NotObserved",
          .hint = "The controller has not acted on the newest specification yet; if that lasts, look at "
                  "systemctl status microshift.service." },
        { .reasons = "Unreadable",
          .hint = "Make the object smaller, or repair it, with oc edit: until then it is not known whether "
                  "it is ready." },
        { .reasons = "Unauthorized",
          .hint = "The API refuses the kubeconfig's credentials: if msready has an account of its own, "
                  "MicroShift must apply msready's manifests first; otherwise check Kubeconfig= in "
                  "/etc/msready/msready.conf." },
        { .reasons = "Forbidden",
          .hint = "The account may not read this: apply msready's RBAC manifests and check with oc auth "
                  "can-i list pods -A --kubeconfig FILE." },
        { .reasons = "KubeconfigMissing",
          .hint = "MicroShift writes the kubeconfig when it starts: look at systemctl status "
                  "microshift.service, or set Kubeconfig= in /etc/msready/msready.conf." },
        { .reasons = "KubeconfigInvalid",
          .texts = "no context \"",
          .hint = "Compare Context= in /etc/msready/msready.conf, or current-context of the kubeconfig, "
                  "with oc config get-contexts." },
        { .reasons = "KubeconfigInvalid",
          .hint = "MicroShift writes the kubeconfig again when it starts: restart microshift.service, or "
                  "correct Kubeconfig= in /etc/msready/msready.conf." },
        { .reasons = "InvalidGate",
          .hint = "Run msready check-config for the file and line, and msready gates for the gate's files; "
                  "fix the file, then run msready reload." },
        {},
};
