import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/until.ts';
import { button, seen, setStage, type Stage } from './browser.ts';

const KEY = 'the-admin-key-of-this-test-and-no-other';

export function whereAKeyIsWanted(): void {
  describe('Where the service wants a key', () => {
    let stage: Stage;

    before(async () => {
      stage = await setStage({ adminKey: KEY });
      await stage.service.post('/users', { email: 'kate@example.com' }, 'kate', {
        authorization: `Bearer ${KEY}`,
      });
    });

    after(async () => {
      await stage.close();
    });

    test('the page asks for it, refuses a wrong one, and keeps the right one for the tab', async () => {
      const { page, complaints, close } = await stage.open();
      let refused = 0;
      page.on('response', (response) => (refused += response.status() === 401 ? 1 : 0));
      await page.reload();
      await page.getByLabel('API key').waitFor();
      // The page knows beforehand that it has to have one, and asks for nothing in vain.
      await page.waitForLoadState('networkidle');
      assert.equal(refused, 0);
      await page.getByLabel('API key').fill('not-the-key-of-this-test-but-another-one');
      await button(page, 'Use key').click();
      await seen(page, 'That key is not known, or was revoked, or is over.');
      await page.getByLabel('API key').fill(KEY);
      await button(page, 'Use key').click();
      await page.getByRole('heading', { level: 2, name: 'kate@example.com' }).waitFor();
      const feed = page.getByRole('list', { name: 'Events, the newest first' });
      const registered = feed.getByText('user.registered', { exact: true });
      await page.getByRole('link', { name: 'Activity', exact: true }).click();
      await registered.waitFor();
      await page.reload();
      await registered.waitFor();
      assert.equal(await page.getByLabel('API key').count(), 0);
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('a key that may not see the log is told so where the log is shown, and sees the rest', async () => {
      const authorization = `Bearer ${KEY}`;
      const scopes = ['queries:read', 'commands:write'];
      const { body } = await stage.service.post('/keys', { name: 'shop', scopes }, 'shop', { authorization });
      const { page, close } = await stage.open('#/activity');
      await page.getByLabel('API key').fill(body.secret);
      await button(page, 'Use key').click();
      await page.getByRole('alert').getByText('audit:read').waitFor();
      await page.getByRole('link', { name: 'Assets', exact: true }).click();
      await page.getByRole('alert').getByText('audit:read').waitFor();
      await page.getByRole('link', { name: 'Wallets', exact: true }).click();
      await page.getByRole('heading', { level: 2, name: 'kate@example.com' }).waitFor();
      await close();
    });

    test('the document of the API opens from the foot of the page, which has the key', async () => {
      const { page, close } = await stage.open();
      await page.getByLabel('API key').fill(KEY);
      await button(page, 'Use key').click();
      await until('the key is taken', async () => (await page.getByLabel('API key').count()) === 0);
      for (const [name, shown] of [
        ['API documentation', /"openapi": "3\.1\.0"/],
        ['Metrics', /^coffer_queue_depth \d/m],
      ] as const) {
        const opening = page.waitForEvent('popup');
        await page.getByRole('link', { name, exact: true }).click();
        const tab = await opening;
        await until(`${name} is shown`, async () => shown.test(await tab.locator('body').innerText()));
      }
      await close();
    });
  });
}
