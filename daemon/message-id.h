/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* One ID per kind of transition; units/msready.catalog explains each to journalctl -x. */

/* A gate opened. */
#define MESSAGE_ID_GATE_READY "51675543df5440d98aac259c8bdce1e1"
/* An open gate was shut: its evidence was FALSE for longer than its hold. */
#define MESSAGE_ID_GATE_LOST "83c367f0a70447f2869c0f06e7498e33"
/* There was no evidence about an open gate for longer than its grace. */
#define MESSAGE_ID_GATE_UNKNOWN "92f9b1ec8a9746e581fa51a556ac7108"
/* A gate waits to open: it is new, changed or enabled. */
#define MESSAGE_ID_GATE_WAITING "d312a02a88d54ca6bbe62220597a00ed"
/* The conditions of a gate do not apply on this host. */
#define MESSAGE_ID_GATE_DISABLED "4fd0409d01cf464ea3e39494b3b13af6"
/* A gate's file cannot be used. */
#define MESSAGE_ID_GATE_INVALID "d59cd0bd35a8493fa5903c846239fa45"
/* All required gates are open. */
#define MESSAGE_ID_VERDICT_READY "3b288f96c733448e9816314e52d2536f"
/* The cluster is not ready, because of gates that have not been open before. */
#define MESSAGE_ID_VERDICT_WAITING "2d1fae89f9bf4b37bd7fee9cf15bfc4b"
/* A required gate was lost. */
#define MESSAGE_ID_VERDICT_LOST "fc840b7535b44683afaea8235efc3de7"
/* There is no evidence about a required gate. */
#define MESSAGE_ID_VERDICT_UNKNOWN "03d5085d28e94d0fba9474338ea4606d"
/* The API server does not answer, or refuses the credentials. */
#define MESSAGE_ID_API_UNREACHABLE "553f3696d8dd4a208b3b54c2748511ae"
/* The API server answers again. */
#define MESSAGE_ID_API_REACHABLE "ac6a05fb9ba34890af3399a8e383b4b4"
/* The control groups of this host cannot be read. */
#define MESSAGE_ID_PROOF_UNAVAILABLE "213cd547f027473393cb31232199078a"
/* A configuration was refused; the old one stays. */
#define MESSAGE_ID_CONFIG_REFUSED "124109ba525d4b51974a58bc5ffc156b"
/* The configuration was reloaded. */
#define MESSAGE_ID_CONFIG_LOADED "d0e99361c45241d8b8c5b78ad5c6bfda"
