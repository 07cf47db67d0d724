// What the pages over Socket.IO share: the connection, with the official client as this server hands
// it out, and what is shown of its state.

import { io } from '/socket.io/socket.io.esm.min.js';
import { moveOn, origin } from './nodes.js';

const $ = (id) => document.getElementById(id);

/** A socket of that namespace. It comes back by itself, and the page shows it. */
export function connect(namespace) {
  const socket = io(origin() + namespace, { reconnectionDelay: 400, reconnectionDelayMax: 5_000 });
  let everConnected = false;
  // The client itself gives up when the server sends it away or refuses it; the page does not.
  const tryElsewhere = () => {
    moveOn();
    socket.io.uri = origin();
  };
  const tryLater = () => setTimeout(() => socket.connect(), 2_000);

  function show(state, text, notice) {
    document.body.dataset.state = state;
    $('state').dataset.state = state;
    $('state-text').textContent = text;
    $('notice').hidden = !notice;
    $('notice-text').textContent = notice;
  }

  socket.on('connect', () => {
    $('announcer').textContent = everConnected ? 'Connected again' : 'Connected';
    everConnected = true;
    show('open', 'Live', '');
  });
  socket.on('disconnect', (reason) => {
    $('announcer').textContent = 'Connection lost, reconnecting';
    show('waiting', 'Reconnecting', 'Connection lost, reconnecting');
    tryElsewhere();
    if (reason === 'io server disconnect') tryLater();
  });
  socket.on('connect_error', (error) => {
    show('waiting', 'Reconnecting', everConnected ? 'Connection lost, reconnecting' : `Cannot connect: ${error.message}`);
    tryElsewhere();
    if (!socket.active) tryLater();
  });
  addEventListener('online', () => { if (!socket.connected) socket.disconnect().connect(); });
  return socket;
}
