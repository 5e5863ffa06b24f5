// SPDX-License-Identifier: Apache-2.0

// etcd stands alone: kube-apiserver asks for versions of gRPC and OpenTelemetry of its own.
module msready.test/etcd

go 1.26.0

require go.etcd.io/etcd/server/v3 v3.6.16
