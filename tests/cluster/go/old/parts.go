// SPDX-License-Identifier: Apache-2.0

//go:build parts

package parts

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
