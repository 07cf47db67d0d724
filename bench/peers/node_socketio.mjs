// The Socket.IO server of the comparison on Node.js: `echo` is acknowledged with its text, `publish` becomes `said` for
// everyone else. It uses the packages that `./dev setup` installed for the tests; or, when a folder is given, those of that
// folder, with eiows in the place of ws (see build_eiows.sh).

import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const folder = process.argv[2];
const packages = createRequire(folder ? resolve(folder, 'package.json') : new URL('../../tests/e2e/package.json', import.meta.url));
const { Server } = packages('socket.io');

const http = createServer();
const io = new Server(http, folder ? { wsEngine: packages('eiows').Server } : {});
io.on('connection', (socket) => {
    socket.on('echo', (text, acknowledge) => acknowledge(text));
    socket.on('publish', (text) => socket.broadcast.emit('said', text));
});
http.listen(0, '127.0.0.1', () => console.log(`listening on ws://127.0.0.1:${http.address().port}/socket.io/`));
