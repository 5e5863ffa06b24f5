/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/clock.h"
#include "varlink/message.h"

/* A varlink client that blocks, up to deadlines on now_monotonic(). */

typedef struct VlClient VlClient;

int vl_client_connect(const char *path, usec_t deadline, VlClient **ret);
int vl_client_new_fd(int fd, VlClient **ret);
VlClient *vl_client_free(VlClient *client);
DEFINE_CLEANUP(VlClient, vl_client_free)
int vl_client_fd(const VlClient *client);

int vl_client_send(VlClient *client, const char *method, const JsonValue *parameters, unsigned flags,
                   usec_t deadline);
int vl_client_receive(VlClient *client, usec_t deadline, VlReply *ret);
int vl_client_call(VlClient *client, const char *method, const JsonValue *parameters, usec_t deadline,
                   VlReply *ret);
