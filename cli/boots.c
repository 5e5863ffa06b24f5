/* SPDX-License-Identifier: Apache-2.0 */

#include "boots.h"

#include <stdio.h>

#include "base/parse.h"
#include "base/string-util.h"

static int ask_boot(const Options *options, const char *boot_id, VlReply *ret) {
        _cleanup_(jv_freep) JsonValue *parameters = NULL;
        JsonBuilder b = {};
        int r;

        jb_string(&b, "bootId", boot_id);
        r = jb_finish(&b, &parameters);
        if (r < 0)
                return r;
        return ask(options, READINESS "GetTimeline", parameters, ret);
}

/* Asks for the ID of this boot: the daemon may have put this boot on record already. */
static int ask_this_boot(const Options *options, VlReply *ret, const char **ret_id) {
        int r;

        r = ask(options, READINESS "Describe", NULL, ret);
        if (r == 0)
                *ret_id = strempty(jv_get_string(jv_get(ret->parameters, "verdict"), "bootId"));
        return r;
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

static int ask_earlier(const Options *options, const char *boot_id, char **ret_boot_id, VlReply *ret) {
        int r;

        r = free_and_strdup(ret_boot_id, boot_id);
        return r < 0 ? r : ask_boot(options, boot_id, ret);
}

/* Asks for the time line that --boot= names: this boot where it is absent or 0, the previous one for -1, else the
 * one with that ID. *ret_boot_id is the caller's to free, and NULL for this boot. Returns 0, or an exit status
 * after telling the user what went wrong. */
int ask_timeline(const Options *options, char **ret_boot_id, VlReply *ret) {
        _cleanup_(vl_reply_done) VlReply list = {}, description = {};
        const char *boot = options->boot, *this_boot, *id;
        unsigned n;
        int r;

        *ret_boot_id = NULL;
        if (!boot || streq(boot, "0") || streq(boot, "-0"))
                return ask_boot(options, NULL, ret);
        if (boot[0] != '-')
                return ask_earlier(options, boot, ret_boot_id, ret);
        if (parse_unsigned(boot + 1, 1000000, &n) < 0) {
                fprintf(stderr, "msready: --boot= takes an ID or -1, -2, ..., not '%s'.\n", boot);
                return STATUS_USAGE;
        }

        r = ask_boot(options, NULL, &list);
        if (r == 0)
                r = ask_this_boot(options, &description, &this_boot);
        if (r != 0)
                return r;
        id = nth_before(jv_get(list.parameters, "boots"), this_boot, n);
        if (!id) {
                if (n == 1)
                        fprintf(stderr, "msready: no earlier boot is on record.\n");
                else
                        fprintf(stderr,
                                "msready: there are fewer than %u earlier boots on record.\n"
                                "See all of them: msready timeline --boots\n",
                                n);
                return STATUS_ERROR;
        }
        return ask_earlier(options, id, ret_boot_id, ret);
}
