/** What is long, large or many, and what stands still: nothing is cut off, pushed out of sight, or said to be newer than it is. */
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { Locator } from 'playwright-core';
import { newHolder, spend, topUp, type Holder } from '../http/payments.ts';
import { createAsset, registerUser } from '../support/service.ts';
import { looksRight } from './accessibility.ts';
import { seen, type Stage } from './browser.ts';

const MOST_DIGITS = '9'.repeat(38);
const LONG_NAME = `An asset whose name is as long as names may be, ${'and longer '.repeat(4)}`.trim();
const WALLETS = 12;
const HOLDS = 20;
const MOST_HOLDS_PX = 400;
/** More than the page asks for when it is opened. */
const EVENTS = 230;

export function extremes(current: () => Stage): void {
  describe('With all that a ledger may hold', () => {
    let stage: Stage;
    let holder: Holder;

    before(async () => {
      stage = current();
      const { service } = stage;
      const email = `${'a-very-long-name.'.repeat(3)}@${'department.'.repeat(8)}example.com`;
      const { body: user } = await service.post('/users', { email });
      const assetSlug = await createAsset(service, { name: LONG_NAME, scale: 18 });
      holder = { userId: user.id, assetSlug };
      await topUp(service, holder, MOST_DIGITS);
      await spend(service, holder, '1'.repeat(38), { reference: 'r'.repeat(200) });
      await service.post('/holds', { ...holder, amount: '2'.repeat(37), reference: 'h'.repeat(120) });
    });

    test('amounts of 38 digits stand there whole, in cards, in the history and in the books', async () => {
      const opened = await stage.open(`#/wallets/${holder.userId}/${holder.assetSlug}`);
      const { page } = opened;
      const history = page.getByRole('region', { name: 'History', exact: true });
      await history.getByRole('link', { name: 'Spend' }).waitFor();
      await page.getByRole('group', { name: 'Open holds' }).waitFor();
      await looksRight(opened, 'wallets-extreme');
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await isWhole(history.locator('td + td'));
        await isWhole(page.getByRole('group', { name: 'Open holds' }).locator('p'));
        await isWhole(page.locator('li', { hasText: LONG_NAME }).locator('p'));
      }
      await page.goto(`${stage.url}#/assets/${holder.assetSlug}`);
      await page.getByRole('img', { name: /in circulation over/ }).waitFor();
      await looksRight(opened, 'assets-extreme');
      assert.deepEqual(opened.complaints(), []);
      await opened.close();
    });

    test('the zero of the trial balance is in sight at 360 px', async () => {
      const { page, close } = await stage.open('#/assets', { viewport: { width: 360, height: 800 } });
      const region = page.getByRole('region', { name: 'Trial balance', exact: true }).last();
      const sum = region.locator('tbody tr').first().locator('td').last();
      await sum.getByText('0', { exact: true }).waitFor();
      const box = await sum.boundingBox();
      assert.ok(box !== null && box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
      await isWhole(region);
      await close();
    });

    test('many holds scroll in their panel, and the history stays within reach', async () => {
      const { service } = stage;
      const own = await newHolder(service);
      await topUp(service, own, '1000');
      for (let held = 0; held < HOLDS; held += 1) {
        assert.equal((await service.post('/holds', { ...own, amount: '10' })).status, 201);
      }
      const { page, close } = await stage.open(`#/wallets/${own.userId}/${own.assetSlug}`);
      const group = page.getByRole('group', { name: 'Open holds' });
      await group
        .getByRole('button', { name: 'Release' })
        .nth(HOLDS - 1)
        .waitFor();
      const box = await group.boundingBox();
      assert.ok(box !== null && box.height <= MOST_HOLDS_PX, JSON.stringify(box));
      await close();
    });

    test('of many wallets the chosen one is shown, and a user who is not among the first', async () => {
      const { service } = stage;
      const user = await registerUser(service);
      let last = '';
      for (let opened = 0; opened < WALLETS; opened += 1) {
        last = await createAsset(service, { name: `Points ${opened}` });
        await topUp(service, { userId: user.id, assetSlug: last }, '1');
      }
      const { page, close } = await stage.open(`#/wallets/${user.id}/${last}`);
      const cards = page.locator('li').filter({ hasText: 'available' });
      await cards.locator('a[aria-current=true]', { hasText: `Points ${WALLETS - 1}` }).waitFor();
      await page.getByRole('button', { name: `Show all ${WALLETS} wallets` }).click();
      await cards.nth(WALLETS - 1).waitFor();
      await page.getByLabel('Find a user').fill(user.email);
      await page
        .getByRole('complementary', { name: 'Users' })
        .getByRole('link', { name: user.email })
        .waitFor();
      await close();
    });

    test('a row of the history opens wherever it is clicked, and a chart says what is pointed at', async () => {
      const own = await newHolder(stage.service);
      await topUp(stage.service, own, '4321');
      const { page, complaints, close } = await stage.open(`#/wallets/${own.userId}/${own.assetSlug}`);
      const row = page
        .getByRole('region', { name: 'History', exact: true })
        .locator('tr', { hasText: 'Top up' });
      const wide = await row.boundingBox();
      assert.ok(wide !== null);
      await row.click({ position: { x: wide.width - 10, y: wide.height / 2 } });
      await page.getByRole('dialog').getByText('treasury').waitFor();
      await page.goto(`${stage.url}#/assets/${own.assetSlug}`);
      const chart = page.getByRole('img', { name: /in circulation over/ });
      await chart.locator('canvas').waitFor();
      const box = await chart.boundingBox();
      assert.ok(box !== null);
      await page.mouse.move(box.x + box.width - 32, box.y + box.height / 2);
      await page
        .locator('main')
        .getByText(/^43.21$|^4.321$|^4\u202f321$/)
        .last()
        .waitFor();
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('of a throughput that was not seen from the beginning nothing is said', async () => {
      const own = await newHolder(stage.service);
      const commands = Array.from({ length: EVENTS }, (_, index) => ({
        ...{ idempotencyKey: `${own.assetSlug}-${index}`, type: 'topup', ...own, amount: '1' },
      }));
      assert.equal((await stage.service.post('/transactions/batch', { commands })).status, 200);
      const { page, close } = await stage.open('#/activity');
      await seen(page, /^Most since /);
      await close();
    });

    test('read models that stand still are said to be behind, also where everything is answered', async () => {
      const owner = await stage.database.connect();
      await owner.query('begin');
      await owner.query('select projection from read.checkpoints for update');
      const own = await registerUser(stage.service);
      const { page, close } = await stage.open('#/wallets');
      await seen(page, /Read models are \d+ events? behind/);
      await owner.query('rollback');
      await owner.end();
      await page.getByText(/Read models are/).waitFor({ state: 'detached' });
      await page.getByLabel('Find a user').fill(own.email);
      await page.getByRole('link', { name: own.email }).waitFor();
      await close();
    });
  });
}

type Box = { scrollWidth: number; clientWidth: number; textContent: string | null };

/** None of them has more in it than it shows. */
async function isWhole(elements: Locator): Promise<void> {
  const cut = await elements.evaluateAll((found: Box[]) =>
    found
      .filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1)
      .map(({ textContent }) => textContent),
  );
  assert.deepEqual(cut, []);
}
