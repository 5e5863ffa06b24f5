/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every ceiling on what others (the cluster, files, varlink peers) can make us keep, with its reason. */

#define KIB(n) ((size_t) (n) << 10)
#define MIB(n) ((size_t) (n) << 20)

/* A kubeconfig with inline certificates is 10 KiB; one with a hundred clusters fits. */
#define LIMIT_KUBECONFIG MIB(1)
/* Certificates, keys and tokens in files of their own. A CA bundle of a distribution is 220 KiB. */
#define LIMIT_CREDENTIAL MIB(1)
/* A gate file, msready.conf, or MicroShift's config.yaml. */
#define LIMIT_CONFIG_FILE KIB(256)
/* Values in one YAML file. A kubeconfig with a hundred clusters has 3,000. */
#define LIMIT_YAML_NODES 16384
/* Names compared and paths tried below MicroShift's kustomizePaths. Its own packages bring fifteen folders. */
#define LIMIT_MANIFEST_STEPS 8192
/* One object on the wire. etcd takes 1.5 MiB by default; client-go gives up at 16 MiB. */
#define LIMIT_OBJECT MIB(4)
/* Files in the folders of one kind of configuration, and lines of one file with all its drop-ins. */
#define LIMIT_CONFIG_NAMES 1024
#define LIMIT_CONFIG_LINES 8192
/* Entries of a folder of units, and of Quadlet's files in all. A large server has 2,000 units. */
#define LIMIT_FOLDER_ENTRIES 16384
/* A unit's own name, and its aliases. dbus.service of some systems has three. */
#define LIMIT_UNIT_NAMES 64
/* Folders in folders of MicroShift's config.d, and bytes of its configuration in all. */
#define LIMIT_CONFIG_DEPTH 32
#define LIMIT_MICROSHIFT_CONFIG MIB(1)
/* Values in one JSON text: cJSON spends 80 bytes on each, 20 MiB in all. A message about 10,000 pods has
 * half as many. */
#define LIMIT_JSON_VALUES ((size_t) 1 << 18)
/* Bytes kept of a text from the cluster: the kubelet cuts its own messages at 1024 (events) and 4096 bytes. */
#define LIMIT_MESSAGE 512
/* Labels, containers, conditions or selector terms of one object. Real ones have some dozens. */
#define LIMIT_MEMBERS 1024
/* Objects kept in all. 250 pods run on a MicroShift node; 100,000 is the largest cluster supported. */
#define LIMIT_OBJECTS 200000
/* The body of an answer that is not a stream: /readyz?verbose, a Status. */
#define LIMIT_HTTP_BODY KIB(64)
/* One varlink message in. Our largest call names 64 gates of 63 bytes. */
#define LIMIT_VARLINK_IN KIB(64)
/* One varlink message out. ListObjects with 10,000 pods makes 4 MiB; systemd's clients give up at 16 MiB. */
#define LIMIT_VARLINK_REPLY MIB(16)
/* Bytes that may wait for a slow varlink peer besides one message, for all peers of one user, and for all
 * peers. The last does not bind root; it is there because one person can have many uids, by a range in
 * subuid(5). */
#define LIMIT_VARLINK_OUT MIB(4)
#define LIMIT_VARLINK_OUT_PER_UID MIB(64)
#define LIMIT_VARLINK_OUT_IN_ALL MIB(128)
/* Varlink connections: in all, the part of them that is reserved for root, and per user. 1,000 subscribers
 * are to be served. */
#define LIMIT_VARLINK_CONNECTIONS 4096
#define LIMIT_VARLINK_CONNECTIONS_OF_ROOT 512
#define LIMIT_VARLINK_CONNECTIONS_PER_UID 1536
/* Open files: every connection, and what the daemon itself needs. systemd gives a service 1,024 by default. */
#define LIMIT_DESCRIPTORS (LIMIT_VARLINK_CONNECTIONS + 1024)
/* Gates, and checks per gate. MicroShift's own components make 21 gates. */
#define LIMIT_GATES 256
#define LIMIT_CHECKS 64
/* Errors, and warnings, of a configuration that are kept. */
#define LIMIT_PROBLEMS 256
/* Blockers reported per gate, and how many of them are doubts at most: an outage makes one of every pod, and must
 * leave room for what is known to be wrong. */
#define LIMIT_BLOCKERS 16
#define LIMIT_DOUBTS 12
/* Transitions kept of a boot: of gates, of their objects, and of a single object, so that an object that
 * flaps leaves room for the others. Each of the 40 objects of MicroShift's own gates makes some in a boot.
 * And boots kept on record. */
#define LIMIT_TRANSITIONS 1024
#define LIMIT_OBJECT_TRANSITIONS 512
#define LIMIT_TRANSITIONS_PER_OBJECT 16
#define LIMIT_BOOTS 100
/* Objects of one gate whose transitions are recorded: twice what runs on a node. */
#define LIMIT_TRAIL 512
/* The text file of metrics. A gate takes 2 KiB of it. */
#define LIMIT_METRICS MIB(2)
/* Objects whose events are kept, and containers of each: 250 pods run on a MicroShift node. */
#define LIMIT_EVENT_OBJECTS 1024
#define LIMIT_EVENT_CONTAINERS 16
