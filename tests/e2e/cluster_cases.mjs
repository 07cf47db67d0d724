// What is done in a cluster of servers, A and B and perhaps C, and what must come of it. Each case gets a cluster with the
// clients a1, a2 of A, b1, b2 of B and so on, and tells what was observed. It is compared with what a cluster of Node alone
// makes of it. a1 is who acts, unless a case says otherwise.

const to = (more = {}) => ({ rooms: [], except: [], ...more });
const all = to();

/// Node's JSON of bytes as bytes.
const asBytes = (value) => JSON.parse(JSON.stringify(value), (key, one) => (one?.type === 'Buffer' ? { bytes: one.data } : one));

export const cases = [
  {
    name: 'a broadcast reaches every client once, with all kinds of arguments',
    async run(c) {
      await c.act('emit', all, 'said', 'world', 1, -5, 3.5, 1e12, -4294967296, 4294967296, 70000, true, null, [], {}, '');
      await c.act('emit', all, 'said', { a: [1, { b: ['grüße, 世界 👋 \u2028 "quoted" \\ \n'] }] });
      await c.act('emit', all, 'ünïcode 👋');
      return c.heard();
    },
  },
  {
    name: 'a room',
    async run(c) {
      await c.enter({ red: ['a1', 'b1'] });
      await c.act('emit', to({ rooms: ['red'] }), 'said', 'to red');
      await c.settle();
      await c.as('b2', 'emit', to({ rooms: ['red'] }), 'said', 'to red by b2');
      await c.act('emit', to({ rooms: ['none'] }), 'said', 'to nobody');
      return c.heard();
    },
  },
  {
    name: 'a room that only the other server has, or only our own',
    async run(c) {
      await c.enter({ red: ['b1'], blue: ['a2'] });
      await c.act('emit', to({ rooms: ['red'] }), 'said', 'to red');
      await c.act('emit', to({ rooms: ['blue'] }), 'said', 'to blue');
      return c.heard();
    },
  },
  {
    name: 'several rooms: each client once',
    async run(c) {
      await c.enter({ red: ['a1', 'b1', 'b2'], blue: ['a1', 'a2', 'b1'] });
      await c.act('emit', to({ rooms: ['red', 'blue'] }), 'said', 'once');
      await c.act('emit', to({ rooms: ['red', 'red'] }), 'said', 'to red twice');
      return c.heard();
    },
  },
  {
    name: 'except',
    async run(c) {
      await c.enter({ red: ['a1', 'b1'], blue: ['a1', 'a2', 'b1', 'b2'] });
      await c.act('emit', to({ except: ['red'] }), 'said', 'not to red');
      await c.act('emit', to({ rooms: ['blue'], except: ['red'] }), 'said', 'to blue, not to red');
      await c.act('emit', to({ except: [c.id('b1'), c.id('a2')] }), 'said', 'not to b1 and a2');
      await c.act('emit', to({ rooms: ['red', 'blue'], except: ['red', c.id('b2')] }), 'said', 'not to red and b2');
      return c.heard();
    },
  },
  {
    name: 'from a socket: to all others',
    async run(c) {
      await c.enter({ red: ['a1', 'a2', 'b1'] });
      await c.act('emit', to({ others: true }), 'said', 'to the others');
      await c.act('emit', to({ others: true, rooms: ['red'] }), 'said', 'to the others in red');
      await c.settle();
      await c.as('b1', 'emit', to({ others: true, rooms: ['red'] }), 'said', 'to the others in red, by b1');
      return c.heard();
    },
  },
  {
    name: 'to one socket by its id',
    async run(c) {
      await c.act('emit', to({ rooms: [c.id('b1')] }), 'said', 'to b1');
      await c.act('emit', to({ rooms: [c.id('a2')] }), 'said', 'to a2');
      await c.act('emit', to({ rooms: [c.id('b1'), c.id('b2')] }), 'said', 'to b1 and b2');
      await c.act('emit', to({ rooms: [c.id('b2')] }), 'said', Buffer.from([1, 2]));
      return c.heard();
    },
  },
  {
    name: 'binary arguments, also nested and empty',
    async run(c) {
      await c.enter({ red: ['b1', 'b2'] });
      await c.act('emit', all, 'said', Buffer.from([1, 2, 3]), { deep: [Buffer.from([255]), { er: Buffer.alloc(0) }] }, 'text');
      await c.act('emit', to({ rooms: ['red'] }), 'said', [Buffer.alloc(300, 7)]);
      await c.act('emit', to({ rooms: ['red', 'blue'] }), 'said', { _placeholder: 'not one', num: 0 }, Buffer.from([9]));
      return c.heard();
    },
  },
  {
    name: 'big messages',
    async run(c) {
      await c.enter({ red: ['b1'] });
      await c.act('emit', to({ rooms: ['red'] }), 'said', 'x'.repeat(300_000));
      await c.act('emit', to({ rooms: ['red'] }), 'said', Buffer.alloc(300_000, 7));
      const { b1: [[, text], [, { bytes }]], ...others } = await c.heard();
      return [text.length, new Set(text), bytes.length, new Set(bytes), others];
    },
  },
  {
    name: 'flags: volatile, without compression, local',
    async run(c) {
      await c.enter({ red: ['a2', 'b1'] });
      await c.act('emit', to({ droppable: true }), 'said', 'volatile');
      const seen = [await c.heard()];
      await c.act('emit', to({ rooms: ['red'], uncompressed: true }), 'said', 'uncompressed');
      await c.settle();
      await c.act('emit', to({ local: true }), 'said', 'local');
      return [...seen, await c.heard(), (await c.fetch(to({ local: true }))).map(({ id }) => id)];
    },
  },
  {
    name: 'rooms of any name',
    async run(c) {
      const rooms = ['x'.repeat(20), 'ü'.repeat(20), 'ü'.repeat(10), '👋'.repeat(10), '*', '?[x]\\', 'a#b', '#', 'a,b', '42', '世界', ' ', '-', '{a}', 'x'.repeat(200)];
      for (const room of rooms) {
        await c.enter({ [room]: ['a1', 'b1'] });
        await c.act('emit', to({ rooms: [room] }), 'said', room);
      }
      for (const room of rooms) await c.act('emit', to({ rooms: [`${room}?`] }), 'said', 'to nobody');
      return [await c.heard(), (await c.as('b1', 'rooms')).length];
    },
  },
  {
    name: 'a room is left, and entered again',
    async run(c) {
      const say = (what) => c.act('emit', to({ rooms: ['red'] }), 'said', what);
      await c.enter({ red: ['a2', 'b1', 'b2'] });
      await say('to three');
      await c.settle();
      await c.as('b1', 'leave', 'red');
      await say('to two');
      await c.settle();
      await c.as('b2', 'leave', 'red');
      await c.untilUsed('red', ['a2']);
      await say('to a2');
      await c.settle();
      await c.as('b1', 'join', ['red']);
      await c.untilUsed('red', ['a2', 'b1']);
      await say('to two again');
      await c.settle();
      c.people.get('b1').socket.disconnect();
      await c.untilUsed('red', ['a2']);
      await say('to a2 again');
      return c.heard();
    },
  },
  {
    name: 'what one server says stays in order, whatever channel it takes',
    async run(c) {
      await c.enter({ red: ['a1', 'b1', 'b2'], blue: ['b2'] });
      await c.act('count', [all, to({ rooms: ['red'] }), to({ rooms: [c.id('b1')] }), to({ rooms: ['red', 'blue'] }), to({ except: ['blue'] })], 'n', 40);
      return c.heard();
    },
  },
  {
    name: 'fetchSockets',
    async run(c) {
      await c.enter({ red: ['a1', 'b1'], blue: ['b1', 'b2'] });
      await c.as('b1', 'set_data', { name: 'Anna 👋', level: 3 });
      await c.as('a2', 'set_data', { name: '', level: -1 });
      const seen = { all: await c.fetch(all) };
      for (const [name, whom] of Object.entries({
        red: to({ rooms: ['red'] }), 'red or blue': to({ rooms: ['red', 'blue'] }), 'not blue': to({ except: ['blue'] }),
        'blue, not red': to({ rooms: ['blue'], except: ['red'] }), none: to({ rooms: ['none'] }), b2: to({ rooms: [c.id('b2')] }),
      })) seen[name] = (await c.fetch(whom)).map(({ id }) => id);
      seen['all, by b1'] = await c.fetch(all, 'b1');
      c.people.get('b2').socket.disconnect();
      await c.untilUsed('blue', ['b1']);
      while ((await c.as('b1', 'fetch', to({ local: true }))).length > 1) await c.settle();
      seen['without b2'] = (await c.fetch(all)).map(({ id }) => id);
      return seen;
    },
  },
  {
    name: 'socketsJoin and socketsLeave',
    async run(c) {
      const rooms = async () => Object.fromEntries((await c.fetch(all)).map((one) => [one.id, one.rooms]));
      const seen = [];
      await c.enter({ red: ['a1', 'b1'] });
      await c.act('sockets_join', to({ rooms: ['red'] }), ['green', 'x'.repeat(20)]);
      await c.settle();
      await c.untilUsed('green', ['a1', 'b1']);
      seen.push(await rooms());
      await c.act('emit', to({ rooms: ['green'] }), 'said', 'to green');
      await c.act('emit', to({ rooms: ['x'.repeat(20)] }), 'said', 'to the long name');
      seen.push(await c.heard());
      await c.act('sockets_join', to({ except: ['red'] }), ['pink']);
      await c.act('sockets_join', to({ rooms: [c.id('b2')] }), ['blue']);
      await c.settle();
      seen.push(await rooms());
      await c.act('sockets_leave', to({ rooms: ['red', 'pink'], except: [c.id('a2')] }), ['green', 'pink', 'none']);
      await c.settle();
      seen.push(await rooms());
      await c.act('sockets_leave', all, ['red']);
      await c.settle();
      seen.push(await rooms());
      await c.untilUsed('red', []);
      return seen;
    },
  },
  {
    name: 'disconnectSockets from a namespace',
    people: ['a1', 'a2', 'b1', 'b2', 'b1/chat'],
    async run(c) {
      await c.enter({ red: ['a2', 'b1', 'b2'] });
      await c.act('disconnect_sockets', to({ rooms: ['red'], except: [c.id('b2')] }), false);
      const seen = [await c.heard(), (await c.fetch(all)).map(({ id }) => id)];
      await c.act('emit', all, 'said', 'who is left?');
      await c.settle();
      await c.as('b1/chat', 'emit', all, 'said', 'and here?');
      return [...seen, await c.heard()];
    },
  },
  {
    name: 'disconnectSockets with their connections',
    people: ['a1', 'a2', 'b1', 'b2', 'b1/chat', 'b2/chat'],
    async run(c) {
      await c.act('disconnect_sockets', to({ except: [c.id('a1'), c.id('b2')] }), true);
      const seen = [await c.heard(), (await c.fetch(all)).map(({ id }) => id)];
      await c.act('emit', all, 'said', 'who is left?');
      await c.settle();
      await c.as('b2/chat', 'emit', all, 'said', 'and here?');
      return [...seen, await c.heard()];
    },
  },
  {
    name: 'serverSideEmit',
    servers: 'any',
    async run(c) {
      await c.act('server_side_emit', 'note');
      await c.act('server_side_emit', 'note', 'a', 1, -2.5, null, true, { b: ['grüße 👋'] });
      await c.settle();
      await c.as('b1', 'server_side_emit', 'note', 'from b');
      await c.act('server_side_emit', 'nobody listens', 1);
      return c.heardByServers();
    },
  },
  {
    name: 'serverSideEmit with binary arguments',
    async run(c) {
      await c.act('server_side_emit', 'note', Buffer.from([1, 2]), { deep: [Buffer.from([3])] });
      const { answers, complete } = await c.ask('server_side_ask', 'question', Buffer.from([4]));
      return [await c.heardByServers(), answers, complete];
    },
    differences: [{
      why: 'Node writes these requests and answers as JSON, in which bytes become {"type":"Buffer","data":[..]}. We write msgpack, which Node reads: they stay bytes.',
      adapter: 'classic',
      instead: ([heard, answers, complete], [a, b]) => [a === 'weft' ? asBytes(heard) : heard, a === 'weft' && b === 'weft' ? asBytes(answers) : answers, complete],
    }],
  },
  {
    name: 'serverSideEmit with answers',
    servers: 'any',
    async run(c) {
      const seen = [await c.ask('server_side_ask', 'question'), await c.ask('server_side_ask', 'question', 'why', { a: [1.5, 'ü'] }, null)];
      return [...seen, await c.as('b1', 'server_side_ask', 'question', 'by b').then(({ answers, complete }) => [answers.length, complete]), await c.heardByServers()];
    },
  },
  {
    name: 'serverSideEmit that one server does not answer',
    servers: 'any',
    run: (c) => c.ask('server_side_ask', 'silence_of_b'),
  },
  {
    name: 'a broadcast with acknowledgements',
    servers: 'any',
    async run(c) {
      await c.enter({ red: ['a2', 'b1'] });
      c.people.get('b1').answer = { deep: [Buffer.from([1, 2, 3]), 'grüße', 1.5, null] };
      c.people.get('a2').answer = null;
      const whoever = { timeout: 10_000 };
      const seen = [];
      for (const whom of [to(whoever), to({ ...whoever, rooms: ['red'] }), to({ ...whoever, except: ['red'] }), to({ ...whoever, rooms: [c.id('b2')] }),
        to({ ...whoever, rooms: ['none'] }), to({ ...whoever, rooms: ['red', c.id('a1')], except: [c.id('a2')] })]) {
        seen.push(await c.ask('ask', whom, 'question', [], 'text', Buffer.from([5])));
      }
      return [seen, await c.heard()];
    },
  },
  {
    name: 'a broadcast that some do not acknowledge',
    servers: 'any',
    async run(c) {
      const seen = [];
      for (const silent of [['b1'], ['a2', 'b1', 'b2']]) seen.push(await c.ask('ask', to({ timeout: 1500 }), 'question', silent));
      return [seen, await c.heard()];
    },
  },
  {
    name: 'namespaces are apart',
    people: ['a1', 'a2', 'b1', 'b2', 'a1/chat', 'b1/chat'],
    async run(c) {
      await c.enter({ red: ['a1', 'b1'] });
      await c.enter({ red: ['a1/chat', 'b1/chat'] }, '/chat');
      await c.act('emit', all, 'said', 'in the main one');
      await c.as('a1/chat', 'emit', all, 'said', 'in chat');
      await c.as('a1/chat', 'emit', to({ rooms: ['red'] }), 'said', 'to red in chat');
      await c.act('emit', to({ rooms: ['red'] }), 'said', 'to red in the main one');
      await c.as('a1/chat', 'emit', to({ rooms: [c.id('b1/chat')] }), 'said', Buffer.from([1]));
      await c.act('emit', to({ rooms: [c.id('b1/chat')] }), 'said', 'to an id of another namespace');
      const seen = [await c.heard()];
      for (const by of ['a1', 'a1/chat']) {
        seen.push((await c.fetch(all, by)).map(({ id, auth }) => [id, auth]));
        seen.push(await c.as(by, 'ask', to({ timeout: 10_000 }), 'question', []).then(({ answers, complete }) => [answers.sort(), complete]));
        await c.as(by, 'server_side_emit', 'note', by);
      }
      await c.as('a1/chat', 'sockets_join', all, ['blue']);
      await c.settle();
      seen.push((await c.as('b1/chat', 'rooms')).sort(), (await c.as('b1', 'rooms')).sort());
      await c.as('a1/chat', 'disconnect_sockets', to({ except: [c.id('a1/chat')] }), false);
      return [...seen, await c.heard(), await c.heardByServers()];
    },
  },
  {
    name: 'two servers that speak at once, and answer each other',
    async run(c) {
      await c.enter({ red: ['a1', 'a2', 'b1', 'b2'] });
      await Promise.all([
        c.as('a1', 'count', [all, to({ rooms: ['red'] })], 'n of a', 50), c.as('b1', 'count', [to({ rooms: ['red'] }), all], 'n of b', 50),
        c.as('a1', 'fetch', all), c.as('b1', 'fetch', all), c.as('a2', 'ask', to({ timeout: 10_000 }), 'question', []), c.as('b2', 'ask', to({ timeout: 10_000 }), 'question', []),
      ]);
      const heard = await c.heard();
      return Object.entries(heard).map(([name, events]) => [name, ['n of a', 'n of b', 'question'].map((event) => events.filter(([one]) => one === event))]);
    },
  },
  {
    name: 'an emitter: events',
    only: 'classic',
    async run(c) {
      await c.enter({ red: ['a1', 'b1'], blue: ['b1', 'b2'] });
      const emitter = c.emitter();
      emitter.emit('said', 'to all', 1, -5, 3.5, 1e12, undefined, null, new Date(0), { when: new Date(1.7e12), not: undefined }, [undefined]);
      emitter.to('red').emit('said', 'to red');
      emitter.to('red').to('blue').emit('said', 'to red and blue');
      emitter.except('red').emit('said', 'not to red');
      emitter.to(c.id('b2')).emit('said', 'to b2', Buffer.from([1, 2, 3]), { deep: [Buffer.alloc(0)] });
      emitter.of('/chat').emit('said', 'in another namespace');
      await c.redis.client.ping();
      const seen = await c.heard();
      emitter.in('blue').except(c.id('b1')).volatile.compress(false).emit('said', 'to blue, not to b1');
      await c.redis.client.ping();
      return [seen, await c.heard()];
    },
  },
  {
    name: 'an emitter: what is done to sockets and servers',
    only: 'classic',
    people: ['a1', 'a2', 'b1', 'b2', 'a2/chat'],
    async run(c) {
      const rooms = async () => Object.fromEntries((await c.fetch(all)).map((one) => [one.id, one.rooms]));
      const emitter = c.emitter();
      const seen = [];
      emitter.socketsJoin(['red', 'blue']);
      emitter.in(c.id('b1')).socketsJoin('green');
      await c.redis.client.ping();
      await c.settle();
      seen.push(await rooms());
      emitter.except('green').socketsLeave('red');
      await c.redis.client.ping();
      await c.settle();
      seen.push(await rooms());
      emitter.serverSideEmit('note', 'of the emitter', { a: [1] });
      await c.redis.client.ping();
      seen.push(await c.heardByServers());
      emitter.in('green').disconnectSockets();
      emitter.in(c.id('a2')).disconnectSockets(true);
      await c.redis.client.ping();
      return [...seen, await c.heard()];
    },
  },
  {
    name: 'questions and wishes in the form of older servers',
    only: 'classic',
    people: ['a1', 'a2', 'b1', 'b2', 'b1/chat'],
    async run(c) {
      await c.enter({ red: ['a1', 'b1'], blue: ['b2'] });
      const servers = c.kinds.length;
      const seen = [];
      const ask = async (count, request) => {
        const answers = await c.asPeer(count, request);
        for (const one of answers) (one.sockets ?? one.rooms ?? []).sort();
        seen.push(answers.sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1)));
      };
      await ask(servers, { type: 0, rooms: ['red'] });
      await ask(servers, { type: 0, rooms: [] });
      await ask(servers, { type: 1 });
      await ask(1, { type: 2, sid: c.id('b2'), room: 'green' });
      await ask(1, { type: 3, sid: c.id('a1'), room: 'red' });
      seen.push((await c.as('b2', 'rooms')).sort(), await c.as('a1', 'rooms'));
      await ask(1, { type: 4, sid: c.id('b1'), close: false });
      await ask(1, { type: 4, sid: c.id('a2'), close: true });
      await ask(0, { type: 2, sid: 'x'.repeat(20), room: 'green' });
      return [seen, await c.heard()];
    },
  },
  {
    name: 'connections to Redis that are lost come back, with all that was listened to',
    async run(c) {
      await c.enter({ red: ['a1', 'b1'], blue: ['b2'] });
      await c.redis.cut('pubsub');
      await c.inPlace();
      await c.untilUsed('red', ['a1', 'b1']);
      await c.untilUsed('blue', ['b2']);
      await c.act('emit', to({ rooms: ['red'] }), 'said', 'to red');
      await c.act('emit', to({ rooms: ['blue'] }), 'said', 'to blue');
      await c.act('emit', to({ rooms: [c.id('b2')] }), 'said', 'to b2');
      const seen = [await c.heard(), (await c.fetch(all)).map(({ id }) => id), await c.ask('server_side_ask', 'question')];
      return [...seen, await c.ask('ask', to({ timeout: 10_000 }), 'question', [])];
    },
  },
  {
    name: 'a server that left is not waited for',
    servers: 'any',
    async run(c) {
      await c.enter({ red: ['a1', 'b1'] });
      await c.end('b');
      await c.act('emit', all, 'said', 'who is left?');
      await c.act('emit', to({ rooms: ['red'] }), 'said', 'to red');
      const seen = [(await c.fetch(all)).map(({ id }) => id), await c.ask('server_side_ask', 'question')];
      return [...seen, await c.ask('ask', to({ timeout: 10_000 }), 'question', []), await c.heard()];
    },
  },
];
