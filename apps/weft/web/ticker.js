// The page of the ticker: one row per symbol, the latest quote of each. Drawn once per frame at most,
// however many quotes come.

import { connect } from './live.js';

const HISTORY = 240; // a minute

const $ = (id) => document.getElementById(id);
const rows = new Map(); // by symbol: {quote, watch, cells, history, line, changed}
let paused = false;
let received = 0;
let drawing = 0;

const socket = connect('/ticker');

function makeRow(symbol) {
  const node = $('quotes').insertRow();
  node.dataset.symbol = symbol;
  const watch = Object.assign(document.createElement('input'), { type: 'checkbox', checked: true });
  watch.setAttribute('aria-label', `Watch ${symbol}`);
  watch.addEventListener('change', () => {
    node.classList.toggle('unwatched', !watch.checked);
    watchChosen();
  });
  node.insertCell().append(watch);
  node.append(Object.assign(document.createElement('th'), { scope: 'row', textContent: symbol }));
  const [price, change, chart] = [node.insertCell(), node.insertCell(), node.insertCell()];
  chart.className = 'only-roomy';
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 120 28');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  svg.append(line);
  chart.append(svg);
  const row = { node, watch, price, change, line, history: [], quote: null, changed: false };
  rows.set(symbol, row);
  return row;
}

function take(quote) {
  const row = rows.get(quote.symbol) ?? makeRow(quote.symbol);
  row.quote = quote;
  row.changed = true;
  row.history.push(quote.price);
  if (row.history.length > HISTORY) row.history.shift();
  if (!paused && !drawing) drawing = requestAnimationFrame(draw);
}

function draw() {
  drawing = 0;
  for (const row of rows.values()) {
    if (!row.changed) continue;
    row.changed = false;
    const { price, change } = row.quote;
    row.price.textContent = price.toFixed(2);
    row.change.textContent = `${change < 0 ? '▼' : '▲'} ${Math.abs(change).toFixed(2)} %`;
    row.change.className = change < 0 ? 'fallen' : 'risen';
    const low = Math.min(...row.history);
    const span = Math.max(...row.history) - low || 1;
    row.line.setAttribute('points', row.history
      .map((value, i) => `${(i * 120 / (HISTORY - 1)).toFixed(1)},${(26 - (value - low) / span * 24).toFixed(1)}`).join(' '));
  }
}

async function watchChosen() {
  try {
    const symbols = rows.size > 0
      ? [...rows].filter(([, row]) => row.watch.checked).map(([symbol]) => symbol)
      : await socket.timeout(5_000).emitWithAck('symbols');
    const quotes = await socket.timeout(5_000).emitWithAck('watch', symbols);
    if (quotes.error) throw new Error(quotes.error.message);
    for (const quote of quotes) take(quote);
  } catch (error) {
    // A lost connection asks again when it is back.
    if (socket.connected) $('announcer').textContent = `Watching failed: ${error.message}`;
  }
}

socket.on('connect', watchChosen);
socket.on('quote', (quote) => {
  received++;
  take(quote);
});

$('pause').addEventListener('click', () => {
  paused = !paused;
  $('pause').setAttribute('aria-pressed', String(paused));
  if (!paused) draw();
});

setInterval(() => {
  $('rate').textContent = socket.connected ? `${received} quotes per second` : '–';
  received = 0;
}, 1_000);
