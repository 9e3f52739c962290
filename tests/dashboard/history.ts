import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { newHolder, topUp, walletOf } from '../http/payments.ts';
import { until } from '../support/until.ts';
import { button, seen, type Stage } from './browser.ts';

const LINES = 10_000;
const BOX = "document.querySelector('[aria-label=History]')";
const FRAMES = 120;
/**
 * A slow machine takes 12 ms for a frame in which every row is another; 60 a second leave 16. Other tests run beside this
 * one and take their share of what is counted; who drew all lines would need seconds.
 */
const MAX_MS_A_FRAME = 100;
const COMMANDS_A_BATCH = 1_000;

export function longHistory(current: () => Stage): void {
  describe('A long history', () => {
    let stage: Stage;
    let place: string;
    let wallet: string;

    before(async () => {
      stage = current();
      const holder = await newHolder(stage.service);
      const first = await topUp(stage.service, holder, '1');
      wallet = walletOf(first);
      for (let sent = 1; sent < LINES; sent += COMMANDS_A_BATCH) {
        const commands = Array.from({ length: Math.min(COMMANDS_A_BATCH, LINES - sent) }, (_, index) => ({
          ...{ idempotencyKey: `line-${sent + index}`, type: (sent + index) % 10 === 0 ? 'bonus' : 'topup' },
          ...{ ...holder, amount: '1', reference: `line ${sent + index}` },
        }));
        const { status, headers } = await stage.service.post('/transactions/batch', { commands });
        assert.equal(status, 200);
        await stage.service.get(`/wallets/${wallet}?atLeast=${String(headers['coffer-position'])}`);
      }
      place = `#/wallets/${holder.userId}/${holder.assetSlug}`;
    });

    test('is read page after page while it is scrolled, and only what is in sight is drawn', async () => {
      const { page, complaints, close } = await stage.open(place);
      await seen(page, '100 lines so far');
      await button(page, 'Load older').click();
      await seen(page, '600 lines so far');
      const list = page.getByRole('region', { name: 'History', exact: true });
      const all = page.getByText('10\u202f000 lines, which is all');
      await until(
        'the first line ever is there',
        async () => {
          await page.evaluate(`${BOX}.scrollTop = ${BOX}.scrollHeight`);
          return all.isVisible();
        },
        120_000,
      );
      assert.ok((await list.locator('tbody tr').count()) < 60);
      // A scroll through all of it. What the page does in a frame, whatever else the machine does between two.
      const session = await page.context().newCDPSession(page);
      await session.send('Performance.enable');
      const busySeconds = async () => {
        const { metrics } = await session.send('Performance.getMetrics');
        return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Infinity;
      };
      const before = await busySeconds();
      await page.evaluate(`new Promise((resolve) => {
      const box = ${BOX};
      let frame = 0;
      const step = () => {
        frame += 1;
        box.scrollTop = (box.scrollHeight / ${FRAMES}) * frame;
        if (frame === ${FRAMES}) resolve();
        else requestAnimationFrame(step);
      };
      box.scrollTop = 0;
      requestAnimationFrame(step);
    })`);
      const msAFrame = ((await busySeconds()) - before) * (1_000 / FRAMES);
      assert.ok(msAFrame < MAX_MS_A_FRAME, `${msAFrame} ms a frame`);
      await page.evaluate(`${BOX}.scrollTop = 0`);
      await list.getByText('line 9999', { exact: false }).waitFor();
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('is filtered by type and by day', async () => {
      const { page, complaints, close } = await stage.open(place);
      await seen(page, '100 lines so far');
      await page.getByLabel('Type', { exact: true }).selectOption('bonus');
      const list = page.getByRole('region', { name: 'History', exact: true });
      await list.getByRole('link', { name: 'Bonus' }).first().waitFor();
      assert.equal(await list.getByRole('link', { name: 'Top up' }).count(), 0);
      await page.getByLabel('Until day').fill('2020-01-01');
      await seen(page, 'Nothing like that has happened here.');
      assert.deepEqual(complaints(), []);
      await close();
    });
  });
}
