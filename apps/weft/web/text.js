// The page of the collaborative text; shared_text.js has Yjs and does the work.

import { connect } from './live.js';

const $ = (id) => document.getElementById(id);

const { SharedText, bind } = await import('./shared_text.js').catch((error) => {
  $('announcer').textContent = $('notice-text').textContent = 'This program was built without Yjs: ./dev setup brings it.';
  $('notice').hidden = false;
  $('text').disabled = true;
  throw error;
});

const shared = new SharedText(connect('/text'));
bind($('text'), shared);

function showPeople() {
  $('people').textContent = shared.state === 'offline' ? '– here' : `${shared.people} here`;
}

function showSaved() {
  if (shared.refusal) $('saved').textContent = `Not saved: ${shared.refusal}`;
  else if (shared.saved) $('saved').textContent = 'Saved';
  else if (shared.state === 'live') $('saved').textContent = 'Saving';
  else $('saved').textContent = 'Kept here until the connection is back';
}

// Said when somebody pauses, not at every key.
let soon = 0;
function show() {
  showPeople();
  clearTimeout(soon);
  soon = setTimeout(showSaved, 300);
}

function showLength() {
  const words = $('text').value.match(/\S+/gu)?.length ?? 0;
  $('length').textContent = `${words} ${words === 1 ? 'word' : 'words'}.`;
}

shared.addEventListener('state', show);
shared.addEventListener('people', showPeople);
shared.addEventListener('text', showLength);
$('text').addEventListener('input', showLength);
addEventListener('beforeunload', (event) => { if (!shared.saved && $('text').value) event.preventDefault(); });
showLength();
