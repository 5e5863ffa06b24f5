# SPDX-License-Identifier: Apache-2.0
"""What the tests start: API servers, kubelets that lie, booted hosts, and the daemon itself.

Nothing but the standard library is needed; only the tests themselves are pytest's.
"""
