/**
 * The first page: a user's wallets, moving money, history. What the service says is put in as text, never as
 * markup. All that is shown is read again every few seconds, and after a write at the position it answered.
 */
import { formatAmount, hintOf, parseAmount } from './amount.js';

const POLL_MS = 4_000;
const TIMEOUT_MS = 10_000;
const NO_ANSWER = { title: 'The service does not answer', detail: 'Whether this was done is not known.' };
const KINDS = { topup: 'Top up', spend: 'Spend', bonus: 'Bonus', transfer: 'Transfer' };

const $ = (id) => document.getElementById(id);
/** By id, what to call them; and by slug, the assets. */
const users = new Map();
const assets = new Map();

/** Never throws: an answer that did not come has status 0. */
async function ask(path, options = {}) {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(TIMEOUT_MS) });
    const { ok, status, headers } = response;
    return { ok, status, headers, body: await response.json() };
  } catch {
    return { ok: false, status: 0, headers: new Headers(), body: NO_ANSWER };
  }
}

/**
 * The keys of writes whose outcome is not known, by what they ask. The same thing asked again goes out under the
 * same key and so happens once. The session's storage keeps the keys when the page is loaded anew.
 */
const openKeys = new Map(JSON.parse(sessionStorage.getItem('openKeys') ?? '[]'));

async function write(path, body) {
  const asked = `${path} ${JSON.stringify(body)}`;
  // A browser has randomUUID on https and on this very machine only.
  const newKey = crypto.randomUUID?.() ?? crypto.getRandomValues(new Uint32Array(4)).join('-');
  const key = openKeys.get(asked) ?? newKey;
  sessionStorage.setItem('openKeys', JSON.stringify([...openKeys.set(asked, key)]));
  const headers = { 'content-type': 'application/json', 'idempotency-key': key };
  const answer = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  const isSettled = answer.status !== 0 && answer.status !== 429 && answer.status < 500;
  if (isSettled) openKeys.delete(asked);
  sessionStorage.setItem('openKeys', JSON.stringify([...openKeys]));
  return { ...answer, isSettled };
}

function el(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

const lastShown = new WeakMap();

/** Rebuilds an element only when its data changed, so that polling disturbs neither the focus nor an open list. */
function show(element, data, build) {
  const text = JSON.stringify(data);
  if (lastShown.get(element) === text) return;
  lastShown.set(element, text);
  element.replaceChildren(...data.map(build));
}

function showOptions(select, options) {
  const { value } = select;
  show(select, options, ([value, text]) => el('option', { value }, text));
  if (options.some(([kept]) => kept === value)) select.value = value;
}

function showChoices() {
  const names = [...assets.values()].map(({ slug, name }) => [slug, name]);
  showOptions($('asset'), names);
  showOptions($('user'), [...users]);
  const others = [...users].filter(([id]) => id !== $('user').value);
  showOptions($('to'), others);
  if ($('amount').ariaInvalid !== 'true') showHint();
}

function showHint(fault) {
  $('amount').ariaInvalid = fault === undefined ? 'false' : 'true';
  $('amount-hint').textContent = fault ?? hintOf(assets.get($('asset').value)?.scale ?? 0);
}

function showWallets(wallets) {
  const hadFocus = $('wallets').contains(document.activeElement);
  const cards = wallets.map((wallet) => ({ ...wallet, checked: wallet.asset.slug === $('asset').value }));
  show($('wallets'), cards, ({ asset, balance, held, available, status, checked }) => {
    const [total, free, kept] = [balance, available, held].map((figure) => formatAmount(figure, asset.scale));
    const frozen = status === 'ACTIVE' && asset.status === 'ACTIVE' ? '' : 'Frozen. ';
    const note = el('small', {}, frozen, held === '0' ? '' : `${free} available, ${kept} held`);
    const radio = el('input', { type: 'radio', name: 'wallet', value: asset.slug, checked });
    const name = el('span', {}, asset.name, note);
    return el('label', { className: 'wallet' }, radio, name, el('strong', {}, total));
  });
  if (hadFocus) $('wallets').querySelector(':checked')?.focus();
}

function showHistory(lines, asset) {
  const nameOf = (id) => users.get(id) ?? id;
  const named = lines.map((line) => ({ ...line, other: nameOf(line.counterparty?.userId) }));
  $('history-title').textContent = asset === undefined ? 'History' : `History: ${asset.name}`;
  show($('history-lines'), named, ({ type, other, recordedAt, reference, ...line }) => {
    const [sign, toward] = line.direction === 'CREDIT' ? ['+', 'from'] : ['−', 'to'];
    const time = el('time', { dateTime: recordedAt }, new Date(recordedAt).toLocaleString());
    const note = el('small', {}, time, reference === null ? '' : ` · ${reference}`);
    const what = `${KINDS[type] ?? type}${other === undefined ? '' : ` ${toward} ${other}`}`;
    const amount = `${sign}${formatAmount(line.amount, asset.scale)}`;
    const balance = formatAmount(line.balanceAfter, asset.scale);
    return el('tr', {}, el('td', {}, what, note), el('td', {}, amount), el('td', {}, balance));
  });
}

function showProjections(list) {
  const [slowest] = list.toSorted((one, other) => Number(BigInt(other.lagEvents) - BigInt(one.lagEvents)));
  const { name, position, headPosition, lagEvents, lagMs } = slowest;
  const lag = lagEvents === '0' ? 'up to date' : `${name} is behind by ${lagEvents} (${lagMs} ms)`;
  const failed = list.filter(({ state }) => state === 'failed').map((one) => `, ${one.name} has failed`);
  $('projections').textContent =
    `Read models: position ${position} of ${headPosition}, ${lag}${failed.join('')}`;
}

function say(place, className, ...lines) {
  place.replaceChildren(el('div', { className }, ...lines.map((line) => el('p', {}, line))));
}

function sayProblem(place, { body, isSettled }, asset, retry) {
  const { code, title, detail, available, required } = body;
  const lines = [detail];
  if (code === 'insufficient_funds') {
    // The service speaks of minor units: its figures are said once more as they are written here.
    const [has, needs] = [available, required].map((figure) => formatAmount(figure, asset.scale));
    lines.push(`In ${asset.name}: ${has} available, ${needs} required.`);
  }
  if (!isSettled) {
    lines.push('Trying again sends the same Idempotency-Key, so that it happens only once.');
    lines.push(el('button', { type: 'button', className: 'quiet', onclick: retry }, 'Try again'));
  }
  const linked = code === undefined ? title : el('a', { href: `/problems/${code}` }, title);
  say(place, 'refused', el('strong', {}, linked), ...lines);
}

let awaitedPosition = '0';
let shownUser = null;
let newestRefresh = 0;
let timer;

async function read(path) {
  const url = new URL(path, location.origin);
  url.searchParams.set('atLeast', awaitedPosition);
  const answer = await ask(url);
  if (!answer.ok) throw new Error(answer.body.title, { cause: answer.body });
  return answer.body;
}

/** Reads all that is shown. One that is overtaken by a newer one shows nothing more. */
async function readAll(isOvertaken) {
  const [people, kinds] = await Promise.all(['/users?limit=500', '/assets?limit=500'].map(read));
  if (isOvertaken()) return;
  if (people.nextCursor === null) users.clear();
  $('users-note').hidden = people.nextCursor === null;
  for (const { id, email, status } of people.data)
    users.set(id, status === 'BANNED' ? `${email} (banned)` : email);
  for (const asset of kinds.data) assets.set(asset.slug, asset);
  showChoices();
  if (shownUser === null && users.has(location.hash.slice(1))) $('user').value = location.hash.slice(1);
  const userId = $('user').value;
  const wallets = userId === '' ? [] : (await read(`/users/${userId}/wallets`)).data;
  if (isOvertaken()) return;
  const chosen = () => wallets.find(({ asset }) => asset.slug === $('asset').value);
  if (shownUser !== userId && wallets.length > 0) $('asset').value = (chosen() ?? wallets[0]).asset.slug;
  const wallet = chosen();
  const lines = wallet === undefined ? [] : (await read(`/wallets/${wallet.id}/history?limit=10`)).data;
  const projections = await ask('/projections');
  if (isOvertaken()) return;
  shownUser = userId;
  showChoices();
  showWallets(wallets);
  showHistory(lines, wallet?.asset);
  if (projections.ok) showProjections(projections.body.data);
  $('page').ariaBusy = 'false';
}

async function refresh() {
  clearTimeout(timer);
  const mine = ++newestRefresh;
  const problem = await readAll(() => mine !== newestRefresh).catch(
    (error) => error.cause ?? { title: error.message },
  );
  if (mine !== newestRefresh) return;
  const text =
    problem === undefined ? '' : `${problem.title}. What you see may be out of date. Trying again…`;
  // The same text is not announced again.
  if ($('service').textContent !== text) $('service').textContent = text;
  if (problem !== NO_ANSWER && problem?.code !== 'read_model_behind') awaitedPosition = '0';
  // Nobody is shown with somebody else's money.
  if ($('user').value !== shownUser) {
    for (const part of ['wallets', 'history-lines']) show($(part), [], String);
    $('page').ariaBusy = 'true';
  }
  timer = setTimeout(refresh, POLL_MS);
}

/** Writes, shows what came of it, and reads everything again at the position of the answer. */
async function send(place, path, body, onDone, asset) {
  if (place.ariaBusy === 'true') return;
  place.ariaBusy = 'true';
  say(place, 'hint', 'Sending…');
  const answer = await write(path, body);
  awaitedPosition = answer.headers.get('coffer-position') ?? awaitedPosition;
  if (answer.ok) onDone(answer.body, answer.headers.has('idempotent-replayed'));
  else sayProblem(place, answer, asset, () => send(place, path, body, onDone, asset));
  place.ariaBusy = 'false';
  await refresh();
}

$('money').addEventListener('submit', (event) => {
  event.preventDefault();
  const asset = assets.get($('asset').value);
  const { kind, amount: field, reference } = event.target.elements;
  const { amount, fault } = parseAmount(field.value, asset?.scale ?? 0);
  showHint(fault);
  if (fault !== undefined) return field.focus();
  const userId = $('user').value;
  const people = kind.value === 'transfer' ? { fromUserId: userId, toUserId: $('to').value } : { userId };
  const body = { ...people, assetSlug: $('asset').value, amount, reference: reference.value || null };
  const title = `${KINDS[kind.value]}: ${formatAmount(amount, asset?.scale ?? 0)} ${asset?.name}`;
  const name = users.get(userId);
  const onDone = ({ balanceAfter, transactionId, position }, isReplayed) => {
    field.value = '';
    const note = isReplayed ? ' An earlier try had done it: nothing was done twice.' : '';
    const balance = `${name} has ${formatAmount(balanceAfter, asset.scale)} now.${note}`;
    const where = `Transaction ${transactionId}, position ${position}`;
    say($('money-answer'), 'done', el('strong', {}, title), balance, where);
  };
  void send($('money-answer'), `/transactions/${kind.value}`, body, onDone, asset);
});

$('people').addEventListener('submit', (event) => {
  event.preventDefault();
  void send($('people-answer'), '/users', { email: $('email').value }, ({ id, email }) => {
    users.set(id, email);
    showChoices();
    $('user').value = id;
    $('email').value = '';
    choose();
    say($('people-answer'), 'done', el('strong', {}, `Registered: ${email}`), 'Chosen as the user to show.');
  });
});

/** Another user, wallet, asset or kind. */
function choose() {
  history.replaceState(null, '', `#${$('user').value}`);
  $('money-send').textContent = KINDS[$('money').elements.kind.value];
  showHint();
  void refresh();
}

for (const part of ['user', 'asset', 'kinds']) $(part).addEventListener('change', choose);
$('wallets').addEventListener('change', ({ target }) => {
  $('asset').value = target.value;
  choose();
});
$('amount').addEventListener('input', () => showHint());
void refresh();
