import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { newHolder, topUp } from '../http/payments.ts';
import { button, seen, setStage, type Stage } from './browser.ts';

export function whileAway(): void {
  describe('While the service is away', () => {
    let stage: Stage;

    before(async () => {
      stage = await setStage();
    });

    after(async () => {
      await stage.close();
    });

    test('the page says so, keeps the attempt, and recovers by itself', async () => {
      const holder = await newHolder(stage.service);
      await topUp(stage.service, holder, '100');
      const { page, close } = await stage.open(`#/wallets/${holder.userId}/${holder.assetSlug}`);
      await page.getByText('100 available').first().waitFor();
      await seen(page, /Updated .*event/);
      await stage.stop();
      await seen(page, 'The server is away.');
      // What was there is still shown.
      assert.ok(await page.getByText('100 available').first().isVisible());
      await page.getByLabel('Amount').fill('40');
      await button(page, 'Spend').click();
      await button(page, 'Retry with the same key').waitFor();
      await stage.start();
      await page.getByText('The server is away.').waitFor({ state: 'detached' });
      await button(page, 'Retry with the same key').click();
      await page.getByText('60 available').first().waitFor();
      await close();
    });

    test('the feed goes on where it stopped, without a gap or a double', async () => {
      const holder = await newHolder(stage.service);
      const { page, close } = await stage.open('#/activity');
      const list = page.getByRole('list', { name: 'Events, the newest first' });
      await topUp(stage.service, holder, '1001');
      await list.getByText(/1.?001 /).waitFor();
      await stage.stop();
      await seen(page, 'The server is away.');
      await stage.start();
      await topUp(stage.service, holder, '1002');
      await list.getByText(/1.?002 /).waitFor();
      const shown = await list.locator('li > span:first-child').allTextContents();
      const positions = shown.map((text) => BigInt(text.replaceAll(/\D/g, '')));
      assert.ok(positions.length > 3);
      for (const [index, position] of positions.entries()) {
        assert.equal(position, (positions[0] ?? 0n) - BigInt(index));
      }
      await close();
    });
  });
}
