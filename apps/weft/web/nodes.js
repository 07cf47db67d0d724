// `weft demo --nodes`: which of the processes this page talks to, the next one when that is gone, and
// the button that kills it. Alone there is only where the page came from.

const $ = (id) => document.getElementById(id);

const { you, ports } = await fetch('/nodes').then((answer) => answer.json()).catch(() => ({ you: 1, ports: [] }));
let at = you - 1;

export const several = ports.length > 1;

/** The origin to talk to. */
export const origin = () => (several ? `${location.protocol}//${location.hostname}:${ports[at]}` : location.origin);

/** The one we talked to is gone. */
export function moveOn() {
  if (!several) return;
  at = (at + 1) % ports.length;
  show();
}

function show() {
  $('node-text').textContent = `Node ${at + 1} of ${ports.length}`;
}

if (several) {
  show();
  $('node').hidden = false;
  $('kill-button').addEventListener('click', () => {
    fetch(`${origin()}/kill`, { method: 'POST', mode: 'no-cors' }).catch(() => {}); // it does not live to answer
  });
}
