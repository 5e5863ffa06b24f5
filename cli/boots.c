/* SPDX-License-Identifier: Apache-2.0 */

#include "boots.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/string-util.h"

#define BOOT_ID_DIGITS 32

static int ask_boot(const Options *options, const char *boot_id, VlReply *ret) {
        JsonBuilder b = {};

        jb_string(&b, "bootId", boot_id);
        return ask_with(options, READINESS "GetTimeline", &b, ret);
}

/* The ID of the nth boot before this one; NULL where fewer are on record. boots is in order of time. */
static const char *nth_before(const JsonValue *boots, const char *this_boot, unsigned n) {
        size_t earlier = 0, i = 0;

        JSON_FOREACH(boot, boots)
                earlier += !streq_ptr(jv_get_string(boot, "bootId"), this_boot);
        if (n > earlier)
                return NULL;
        JSON_FOREACH(boot, boots) {
                const char *id = jv_get_string(boot, "bootId");

                if (!streq_ptr(id, this_boot) && i++ == earlier - n)
                        return id;
        }
        return NULL;
}

/* Finds the ID of the nth boot before this one. The daemon may have put this boot on record already, so that its ID
 * is asked for. *ret is the caller's. */
static int find_earlier(const Options *options, unsigned n, char **ret) {
        _cleanup_(vl_reply_done) VlReply list = {}, description = {};
        const char *this_boot, *id;
        int r;

        r = ask_boot(options, NULL, &list);
        if (r == 0)
                r = ask(options, READINESS "Describe", NULL, &description);
        if (r != 0)
                return r;
        this_boot = strempty(jv_get_string(jv_get(description.parameters, "verdict"), "bootId"));
        id = nth_before(jv_get(list.parameters, "boots"), this_boot, n);
        if (id)
                return asprintf_ret(ret, "%s", id);
        if (n == 1)
                fprintf(stderr, "msready: no earlier boot is on record.\n");
        else
                fprintf(stderr,
                        "msready: there are fewer than %u earlier boots on record.\n"
                        "To list them: msready timeline --boots\n",
                        n);
        return STATUS_ERROR;
}

/* Finds the ID of the one boot on record whose ID begins so; where there is none, it is for the daemon to say so. *ret
 * is the caller's. */
static int complete_id(const Options *options, const char *start, char **ret) {
        _cleanup_(vl_reply_done) VlReply list = {};
        const char *found = NULL;
        int r;

        r = ask_boot(options, NULL, &list);
        if (r != 0)
                return r;
        JSON_FOREACH(boot, jv_get(list.parameters, "boots")) {
                const char *id = strempty(jv_get_string(boot, "bootId"));

                if (!startswith(id, start))
                        continue;
                if (found) {
                        fprintf(stderr,
                                "msready: several boots have an ID that begins with '%s'.\n"
                                "See all of them: msready timeline --boots\n",
                                start);
                        return STATUS_ERROR;
                }
                found = id;
        }
        return asprintf_ret(ret, "%s", found ?: start);
}

/* Asks for the time line that --boot= names: this boot where it is absent or 0, the previous one for -1, else the
 * one whose ID begins so. *ret_boot_id is the caller's to free, and NULL for this boot. Returns 0, or an exit status
 * after telling the user what went wrong. */
int ask_timeline(const Options *options, char **ret_boot_id, VlReply *ret) {
        const char *boot = options->boot;
        unsigned n;
        int r = 0;

        *ret_boot_id = NULL;
        if (boot && boot[0] != '-' && !streq(boot, "0"))
                r = *boot && strlen(boot) < BOOT_ID_DIGITS ? complete_id(options, boot, ret_boot_id)
                                                           : asprintf_ret(ret_boot_id, "%s", boot);
        else if (boot && boot[0] == '-' && !streq(boot, "-0")) {
                if (parse_unsigned(boot + 1, 1000000, &n) < 0) {
                        fprintf(stderr, "msready: --boot= takes an ID or -1, -2, ..., not '%s'.\n", boot);
                        return STATUS_USAGE;
                }
                r = find_earlier(options, n, ret_boot_id);
        }
        return r == 0 ? ask_boot(options, *ret_boot_id, ret) : r;
}
