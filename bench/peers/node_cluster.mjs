// The peer of bench/load/cluster_node.cpp: Node's Socket.IO with npm's adapter for Redis, with the packages that `./dev setup`
// installed for the tests. Its clients are in the room "all".
//
//     node node_cluster.mjs PORT_OF_REDIS

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const packages = createRequire(new URL('../../tests/e2e/package.json', import.meta.url));
const { Server } = packages('socket.io');
const { createAdapter } = packages('@socket.io/redis-adapter');
const { createClient } = packages('redis');

const pub = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` });
const sub = pub.duplicate();
await Promise.all([pub.connect(), sub.connect()]);
const http = createServer();
const io = new Server(http, { adapter: createAdapter(pub, sub) });
io.on('connection', (socket) => socket.join('all'));
http.listen(0, '127.0.0.1', () => console.log(`listening on ws://127.0.0.1:${http.address().port}/socket.io/`));
