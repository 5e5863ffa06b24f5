// SPDX-License-Identifier: Apache-2.0

//go:build parts

package parts

import _ "go.etcd.io/etcd/server/v3"
