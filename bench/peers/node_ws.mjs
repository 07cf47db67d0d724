// An echo on npm's `ws`, for context in bench/load/compare.py. It uses the package that `./dev setup` installed for the tests.

import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(new URL('../../tests/e2e/package.json', import.meta.url))('ws');

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 16 * 1024 * 1024 }, () => {
    console.log(`listening on ws://127.0.0.1:${server.address().port}/`);
});
server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, { binary }));
});
