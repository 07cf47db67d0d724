// A page of another origin, which tries the demo's connections. A browser tells it hardly more than
// that they failed: what the server answered is not for it to read.

const target = location.hash.slice(1);

function say(text, kind) {
  document.getElementById('got').append(Object.assign(document.createElement('li'), { textContent: text, className: kind }));
}

document.getElementById('whose').textContent = `A page of ${location.origin}`;

const socket = new WebSocket(`${target.replace(/^http/, 'ws')}/security/members`);
socket.onopen = () => say('WebSocket: it is open!', 'good');
socket.onclose = ({ code }) => say(`WebSocket: closed with ${code} before it was open`, 'bad');

try {
  const answer = await fetch(`${target}/socket.io/?EIO=4&transport=polling`, { credentials: 'include' });
  say(`Polling: ${answer.status} ${await answer.text()}`, 'good');
} catch (error) {
  say(`Polling: ${error.message}`, 'bad');
}
