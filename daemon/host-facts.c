/* SPDX-License-Identifier: Apache-2.0 */

#include "host-facts.h"

#include <arpa/inet.h>
#include <strings.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "base/file.h"
#include "base/log.h"
#include "base/string-util.h"
#include "gates/condition-microshift.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define MACHINE_ID_FILE "/etc/machine-id"
#define HOST_NAME_FILE "/etc/hostname"
#define NODE_NAME_FILE "/var/lib/microshift/.nodename"

/* Reads this boot's ID: systemd's word comes first, because a sandboxed service may see another /proc than the kubelet
 * does. Without an ID no status could ever be believed. */
static int read_boot_id(const Options *options, const Settings *settings, char **ret) {
        const char *path = settings->boot_id_file ?: BOOT_ID_FILE;
        _cleanup_free_ char *id = NULL;
        int r = 0;

        if (options->boot_id && hex_equal_ignoring_dashes(options->boot_id, options->boot_id))
                return asprintf_ret(ret, "%s", options->boot_id);

        r = file_read_line(path, &id);
        if (r >= 0 && hex_equal_ignoring_dashes(id, id)) {
                if (options->boot_id)
                        log_warning("--boot-id=%s is not an ID of 32 hex digits, using the one in %s",
                                    options->boot_id, path);
                *ret = TAKE_PTR(id);
                return 0;
        }
        log_error("Cannot find this boot's ID: --boot-id= is %s, and BootIdFile=%s %s",
                  options->boot_id ? "not an ID of 32 hex digits" : "not given", path,
                  r < 0 ? strerror(-r) : "does not hold an ID of 32 hex digits");
        return r < 0 ? r : -EINVAL;
}

static int read_machine_id(const Settings *settings, char **ret) {
        const char *path = settings->machine_id_file ?: MACHINE_ID_FILE;
        int r;

        r = file_read_line(path, ret);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                log_warning("Cannot read MachineIdFile=%s: %s, identifying this host's node by name", path,
                            strerror(-r));
        return 0;
}

/* Fills facts, whose owner frees what is in it, also after a failure. */
int host_facts_read(const Options *options, const Settings *settings, HostFacts *facts) {
        char name[256];
        int r;

        r = read_boot_id(options, settings, &facts->boot_id);
        if (r >= 0)
                r = read_machine_id(settings, &facts->machine_id);
        if (r >= 0 && gethostname(name, sizeof(name)) >= 0) {
                name[sizeof(name) - 1] = '\0';
                facts->host_name = strdup(name);
                r = facts->host_name ? 0 : -ENOMEM;
        }
        return r;
}

static int try_bind(const struct sockaddr *address, socklen_t size) {
        _cleanup_close_ int fd = socket(address->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        return fd < 0 || bind(fd, address, size) < 0 ? -errno : 0;
}

/* Tells whether an interface of this host has the address; also true for text that is no address. bind()
 * asks the kernel that, and needs nothing of the sandbox that connections do not need. */
bool host_has_address(const char *address) {
        struct sockaddr_in ipv4 = { .sin_family = AF_INET };
        struct sockaddr_in6 ipv6 = { .sin6_family = AF_INET6 };
        int r = 0;

        if (inet_pton(AF_INET, address, &ipv4.sin_addr) > 0)
                r = try_bind((const struct sockaddr *) &ipv4, sizeof(ipv4));
        else if (inet_pton(AF_INET6, address, &ipv6.sin6_addr) > 0)
                r = try_bind((const struct sockaddr *) &ipv6, sizeof(ipv6));
        return r != -EADDRNOTAVAIL && r != -EAFNOSUPPORT;
}

/* Whether MicroShift does not start. It keeps the name of its node for good; where its configuration wants another
 * one, it starts under the kept name if what is wanted is the host's name, as it is by default (wanted is empty then),
 * and else not. Case does not count. host_name may be NULL, and nothing is known then. */
bool host_node_name_is_refused(const char *wanted, const char *kept, const char *host_name) {
        return !isempty(wanted) && strcasecmp(wanted, kept) != 0 && host_name &&
               strcasecmp(wanted, host_name) != 0;
}

/* *ret says in words for people why MicroShift refuses the name that its configuration gives the node; it is NULL
 * where it does not. -ENOMEM. */
int host_node_name_trouble(char **ret) {
        _cleanup_(microshift_config_freep) MicroShiftConfig *config = NULL;
        _cleanup_free_ char *name = NULL, *set = NULL;
        char host_name[256] = "";
        const char *wanted;
        int r;

        *ret = NULL;
        r = file_read_line(NODE_NAME_FILE, &name);
        if (r < 0)
                return r == -ENOMEM ? r : 0;
        r = microshift_config_load(MICROSHIFT_CONFIG_FILE, MICROSHIFT_CONFIG_FOLDER, &config);
        if (r < 0)
                return r;

        wanted = config->error ? NULL : microshift_config_get(config, "node.hostnameOverride");
        /* A sandboxed service keeps the name that the host had when it started. */
        if (file_read_line(HOST_NAME_FILE, &set) >= 0 && !host_node_name_is_refused(wanted, name, set))
                return 0;
        r = gethostname(host_name, sizeof(host_name) - 1);
        if (!host_node_name_is_refused(wanted, name, r < 0 ? NULL : host_name))
                return 0;
        return asprintf_ret(
                ret,
                "MicroShift knows this node as %s, and node.hostnameOverride in its configuration "
                "says %s, which is not the host's name either",
                name, wanted);
}

/* Asks systemd when (monotonic) the present userspace began: a soft-reboot begins another one while the boot
 * ID and /run stay. 0 where systemd is absent or does not say. */
usec_t host_userspace_start(void) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint64_t usec = 0;
        sd_bus *bus = NULL;
        int r;

        if (sd_booted() <= 0)
                return 0;
        r = sd_bus_open_system(&bus);
        if (r >= 0) {
                (void) sd_bus_set_method_call_timeout(bus, 5 * USEC_PER_SEC);
                r = sd_bus_get_property_trivial(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                                "org.freedesktop.systemd1.Manager",
                                                "UserspaceTimestampMonotonic", &error, 't', &usec);
        }
        if (r < 0)
                log_debug("Cannot ask systemd when this userspace began: %s", error.message ?: strerror(-r));
        sd_bus_error_free(&error);
        sd_bus_flush_close_unref(bus);
        return usec;
}
