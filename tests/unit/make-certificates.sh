#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Writes into the folder $1 two CAs and what they sign: NAME.pem and NAME.key.
set -eu
cd "$1"

for ca in ca other-ca; do
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
                -subj "/CN=$ca" -keyout "$ca.key" -out "$ca.pem"
        mkdir "$ca.new"
        : >"$ca.db"
        cat >"$ca.conf" <<END
[ca]
default_ca = this
[this]
dir = .
new_certs_dir = $ca.new
database = $ca.db
certificate = $ca.pem
private_key = $ca.key
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
END
done

# sign CA NAME SAN START END
sign() {
        openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
                -addext "subjectAltName=$3" -keyout "$2.key" -out "$2.csr"
        openssl ca -batch -notext -config "$1.conf" -startdate "$4" -enddate "$5" -in "$2.csr" -out "$2.pem"
}

here=DNS:localhost,IP:127.0.0.1
sign ca server "$here" 20000101000000Z 20990101000000Z
sign ca named DNS:kubernetes 20000101000000Z 20990101000000Z
sign ca early "$here" 20980101000000Z 20990101000000Z
sign ca late "$here" 20000101000000Z 20010101000000Z
sign ca client DNS:client 20000101000000Z 20990101000000Z
sign other-ca stranger DNS:client 20000101000000Z 20990101000000Z
