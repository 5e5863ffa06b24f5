/* SPDX-License-Identifier: Apache-2.0 */

#include "options.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/parse.h"
#include "suggest.h"
#include "varlink/interface.h"

/* Options may come before or after the verb, values after '=' or a blank: both as getopt_long() has it. */

/* Options without a letter that all verbs take. */
enum {
        ARG_SOCKET = 0x100,
        ARG_JSON,
        ARG_NO_LEGEND,
        ARG_NO_PAGER,
        ARG_VERSION,
};

#define LETTERS "qjh"

static const struct option long_options[] = {
        { "socket", required_argument, NULL, ARG_SOCKET },
        { "quiet", no_argument, NULL, 'q' },
        { "json", required_argument, NULL, ARG_JSON },
        { "no-legend", no_argument, NULL, ARG_NO_LEGEND },
        { "no-pager", no_argument, NULL, ARG_NO_PAGER },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        { "all", no_argument, NULL, OPTION_ALL },
        { "fresh", no_argument, NULL, OPTION_FRESH },
        { "timeout", required_argument, NULL, OPTION_TIMEOUT },
        { "stall", required_argument, NULL, OPTION_STALL },
        { "if-enabled", no_argument, NULL, OPTION_IF_ENABLED },
        { "boot", required_argument, NULL, OPTION_BOOT },
        { "boots", no_argument, NULL, OPTION_BOOTS },
        { "root", required_argument, NULL, OPTION_ROOT },
        { "force", no_argument, NULL, OPTION_FORCE },
        {},
};

static const Verb *find_verb(const char *name) {
        for (const Verb *v = verbs; v->name; v++)
                if (streq(v->name, name))
                        return v;
        return NULL;
}

static int set_format(const char *s, Format *ret) {
        static const char *const names[_FORMAT_MAX] = {
                [FORMAT_TEXT] = "off",
                [FORMAT_SHORT] = "short",
                [FORMAT_PRETTY] = "pretty",
        };

        for (Format f = 0; f < _FORMAT_MAX; f++)
                if (streq(names[f], s)) {
                        *ret = f;
                        return 0;
                }
        fprintf(stderr, "msready: --json= takes pretty, short or off, not '%s'.\n", s);
        return STATUS_USAGE;
}

static int set_span(const char *name, const char *s, usec_t *ret) {
        if (parse_timespan(s, ret) >= 0)
                return 0;

        fprintf(stderr, "msready: --%s= takes a time span such as 90, 10min or infinity, not '%s'.\n", name,
                s);
        return STATUS_USAGE;
}

/* Tells what getopt_long() does not take: c is ':' or '?', word what it read last. Returns an exit status. */
static int refuse_option(int c, const char *word) {
        char letter[] = { '-', (char) optopt, '\0' };

        if (c == ':')
                fprintf(stderr, "msready: %s takes a value. Try: msready help\n", word);
        else if (optopt > 0xff || (optopt > 0 && strchr(LETTERS, optopt)))
                fprintf(stderr, "msready: %.*s takes no value. Try: msready help\n",
                        (int) strcspn(word, "="), word);
        else
                return tell_unknown_option(optopt > 0 ? letter : word, long_options);
        return STATUS_USAGE;
}

/* --for= of kubectl wait, which getopt_long() takes for --force. */
static bool is_for(const char *word) {
        const char *rest = startswith(word, "--for");

        return rest && (*rest == '\0' || *rest == '=');
}

/* Takes what getopt_long() returned for this word. Returns 0, or an exit status. */
static int set_option(int c, const char *word, Options *options) {
        struct stat st;

        switch (c) {
        case ARG_SOCKET:
                if (isempty(optarg)) {
                        fprintf(stderr, "msready: --socket= takes the path of a socket.\n");
                        return STATUS_USAGE;
                }
                options->socket = optarg;
                return 0;
        case 'q':
                options->quiet = true;
                return 0;
        case ARG_JSON:
                return set_format(optarg, &options->format);
        case 'j':
                options->format = isatty(STDOUT_FILENO) ? FORMAT_PRETTY : FORMAT_SHORT;
                return 0;
        case ARG_NO_LEGEND:
                options->legend = false;
                return 0;
        case ARG_NO_PAGER:
                options->pager = false;
                return 0;
        case 'h':
                options->verb = find_verb("help");
                return 0;
        case ARG_VERSION:
                options->verb = find_verb("version");
                return 0;
        case OPTION_ALL:
                options->all = true;
                return 0;
        case OPTION_FRESH:
                options->fresh = true;
                return 0;
        case OPTION_TIMEOUT:
                return set_span("timeout", optarg, &options->timeout);
        case OPTION_STALL:
                return set_span("stall", optarg, &options->stall);
        case OPTION_IF_ENABLED:
                options->if_enabled = true;
                return 0;
        case OPTION_BOOT:
                options->boot = optarg;
                return 0;
        case OPTION_BOOTS:
                options->boots = true;
                return 0;
        case OPTION_ROOT:
                if (stat(optarg, &st) < 0 || !S_ISDIR(st.st_mode)) {
                        fprintf(stderr, "msready: --root= takes a folder, not '%s'.\n", optarg);
                        return STATUS_USAGE;
                }
                options->root = optarg;
                return 0;
        case OPTION_FORCE:
                options->force = true;
                return 0;
        default:
                return refuse_option(c, word);
        }
}

/* "cluster" alone names no gate, and so the verdict, where a verb can do without a gate. */
static char **leave_out_cluster(const Verb *verb, char **arguments) {
        bool alone = arguments[0] && !arguments[1];

        return alone && verb->min_arguments == 0 && streq(arguments[0], "cluster") ? arguments + 1
                                                                                   : arguments;
}

/* The name of the first of these options, which have bits of their own. */
static const char *option_name(unsigned options) {
        const struct option *o = long_options;

        while (!(options & (unsigned) o->val))
                o++;
        return o->name;
}

/* used has the bits of the options used, n the number of arguments. */
static int check_usage(const Options *options, unsigned used, unsigned n) {
        const Verb *verb = options->verb;

        if (used & ~verb->options) {
                fprintf(stderr, "msready: '%s' does not take --%s. Try 'msready help'.\n", verb->name,
                        option_name(used & ~verb->options));
                return STATUS_USAGE;
        }
        if (n < verb->min_arguments || n > verb->max_arguments) {
                fprintf(stderr, "msready: %s arguments. Usage: msready %s%s%s\n",
                        n < verb->min_arguments ? "too few" : "too many", verb->name,
                        verb->arguments ? " " : "", strempty(verb->arguments));
                return STATUS_USAGE;
        }
        return 0;
}

/* Parses the command line into *ret, which points into argv. Returns 0, or an exit status after telling the user
 * what is wrong. */
int options_parse(int argc, char **argv, Options *ret) {
        Options options = {
                .socket = VL_SOCKET_DEFAULT,
                .legend = true,
                .pager = true,
                .timeout = USEC_INFINITY,
                .stall = USEC_INFINITY,
        };
        unsigned used = 0;
        int c, r;

        optind = 0;
        while ((c = getopt_long(argc, argv, ":" LETTERS, long_options, NULL)) >= 0) {
                r = is_for(argv[optind - 1]) ? tell_unknown_option(argv[optind - 1], long_options)
                                             : set_option(c, argv[optind - 1], &options);
                if (r != 0)
                        return r;
                if (c >= OPTION_ALL)
                        used |= (unsigned) c;
        }

        options.arguments = argv + optind;
        if (options.verb) { /* --help, --version: no matter what else is there */
                *ret = options;
                return 0;
        }
        options.verb = verbs;
        if (optind < argc) {
                options.verb = find_verb(argv[optind]);
                if (!options.verb)
                        return tell_unknown_verb(&options, argv[optind]);
                options.arguments++;
        }
        r = check_usage(&options, used, (unsigned) (argv + argc - options.arguments));
        if (r == 0) {
                options.arguments = leave_out_cluster(options.verb, options.arguments);
                *ret = options;
        }
        return r;
}
