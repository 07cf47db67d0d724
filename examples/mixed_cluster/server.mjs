// The same chat as mixed_cluster.cpp, on Node: npm install socket.io @socket.io/redis-adapter redis
//
//     node server.mjs [FOLDER OF THE PAGE [PORT [PORT OF REDIS]]]

import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createAdapter } from '@socket.io/redis-adapter';
import { createClient } from 'redis';
import { Server } from 'socket.io';

const [folder = '.', port = '8081', redisPort = '6379'] = process.argv.slice(2);

const pub = createClient({ url: `redis://127.0.0.1:${redisPort}` });
const sub = pub.duplicate();
for (const client of [pub, sub]) client.on('error', (error) => console.error(error.message));
await Promise.all([pub.connect(), sub.connect()]);

const page = readFileSync(join(folder, 'index.html'));
const http = createServer((request, answer) => answer.setHeader('Content-Type', 'text/html; charset=utf-8').end(page));
const io = new Server(http, { adapter: createAdapter(pub, sub) });

io.on('connection', (socket) => {
  socket.emit('welcome', 'Node');
  socket.on('join', (name) => {
    socket.data.name = name;
    socket.join('chat');
    io.to('chat').emit('joined', name);
  });
  socket.on('say', (text) => io.to('chat').emit('said', socket.data.name, text));
  socket.on('who', async (answer) => answer((await io.in('chat').fetchSockets()).map(({ data }) => data.name)));
});

http.listen(Number(port), '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${http.address().port}/`));
process.on('SIGTERM', () => process.exit(0));
