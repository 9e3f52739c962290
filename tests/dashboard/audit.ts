import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { newHolder, topUp, walletOf } from '../http/payments.ts';
import { until } from '../support/until.ts';
import { looksRight } from './accessibility.ts';
import { button, seen, setStage, type Stage } from './browser.ts';

const HOLDS = 'Verified in this browser';
const BROKEN = 'The proof does not hold';
/** Of the amount in the stored data, which is a text within the proof. */
const takeMore = (proof: string) => proof.replace('\\"1000\\"', '\\"9000\\"');

export function auditPage(current: () => Stage): void {
  describe('The Audit page', () => {
    let stage: Stage;
    let transaction: { id: string; position: string };
    let wallet: string;

    before(async () => {
      stage = current();
      const holder = await newHolder(stage.service);
      const toppedUp = await topUp(stage.service, holder, '1000');
      const { body } = toppedUp;
      transaction = { id: body.transactionId, position: body.position };
      wallet = walletOf(toppedUp);
      await until('it is sealed', async () => {
        const { status, body: answer } = await stage.service.get('/audit/checkpoint', {
          accept: 'application/json',
        });
        return status === 200 && BigInt(answer.treeSize) >= BigInt(transaction.position);
      });
    });

    async function lookUp(page: Page, text: string): Promise<void> {
      await page.getByLabel('Position or transaction').fill(text);
      await button(page, 'Look up and verify').click();
    }

    function proofOf(page: Page) {
      return page.getByLabel('Proof', { exact: true });
    }

    /** Changes the proof in its field, and has it verified. */
    async function tamper(page: Page, change: (proof: string) => string): Promise<void> {
      const before = await proofOf(page).inputValue();
      const changed = change(before);
      assert.notEqual(changed, before);
      await proofOf(page).fill(changed);
      await button(page, 'Verify this proof').click();
    }

    test('verifies the proof of a transaction, and of what is tampered with says that it does not hold', async () => {
      const { page, complaints, close } = await stage.open('#/audit');
      await lookUp(page, transaction.id);
      await seen(page, HOLDS);
      await seen(page, 'The checkpoint is signed with Ed25519');
      const good = await proofOf(page).inputValue();
      assert.equal(JSON.parse(good).position, transaction.position);
      const tampered: readonly (readonly [string, string, (proof: string) => string])[] = [
        ['the amount', 'The event hashes to its leaf', takeMore],
        [
          'a hash',
          'lead from the leaf to the root',
          (proof) =>
            proof.replace(/("hashes": \[\s*")(.)/, (_, head, first) => `${head}${first === 'A' ? 'B' : 'A'}`),
        ],
        ['the checkpoint', 'The proof can be read', (proof) => proof.replace(/("checkpoint": ")/, '$1x')],
        [
          'a member more',
          'The proof can be read',
          (proof) => proof.replace(/("event": \{)/, '$1"amount":"9",'),
        ],
      ];
      for (const [what, step, change] of tampered) {
        await proofOf(page).fill(good);
        await button(page, 'Verify this proof').click();
        await seen(page, HOLDS);
        await tamper(page, change);
        await seen(page, BROKEN);
        assert.equal(await page.getByText(HOLDS).count(), 0, what);
        assert.ok(await page.locator('li', { hasText: `${step}: does not hold` }).isVisible(), what);
      }
      await proofOf(page).fill('{');
      await button(page, 'Verify this proof').click();
      await seen(page, 'This is not JSON.');
      assert.equal(await page.getByText(BROKEN).count(), 0);
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('believes the key that was kept, and no other', async () => {
      const { page, close } = await stage.open('#/audit');
      await lookUp(page, transaction.position);
      await seen(page, HOLDS);
      const { data } = (await stage.service.get('/audit/public-keys')).body;
      await page.getByLabel('Public key to trust (optional)').fill(data[0].vkey);
      await button(page, 'Verify this proof').click();
      await seen(page, HOLDS);
      await page.getByLabel('Public key to trust (optional)').fill('another+00000000+AAAA');
      await button(page, 'Verify this proof').click();
      await seen(page, BROKEN);
      await close();
    });

    test('says what is wrong with what was looked up', async () => {
      const { page, close } = await stage.open('#/audit');
      await lookUp(page, 'gold');
      await seen(page, 'Write the position of an event, such as 42, or the id of a transaction.');
      await lookUp(page, '999999');
      await page.getByRole('alert').waitFor();
      assert.equal(await proofOf(page).inputValue(), '');
      await close();
    });

    test('shows the checkpoint, and sets a verification going that comes out clean', async () => {
      const { page, complaints, close } = await stage.open('#/audit');
      const { body } = await stage.service.get('/audit/checkpoint', { accept: 'application/json' });
      await seen(page, body.origin);
      await seen(page, 'This process was not asked for one yet.');
      await button(page, 'Verify the log').click();
      await page.getByRole('progressbar', { name: 'Verification' }).waitFor();
      assert.ok(await button(page, 'Verify the log').isDisabled());
      await seen(page, /\d events in .* all is as it has to be up to event \d/);
      await page.getByText('No drift').waitFor();
      assert.deepEqual(complaints(), []);
      await close();
    });

    test('saves the export', async () => {
      const { page, close } = await stage.open('#/audit');
      const coming = page.waitForEvent('download');
      await button(page, 'Download the export').click();
      const file = await coming;
      assert.match(file.suggestedFilename(), /^coffer-export-[\w-]+-1-\d+\.tar$/);
      const tar = await readFile(await file.path());
      assert.ok(tar.includes('manifest.json') && tar.includes('checkpoints.ndjson'));
      await page.getByLabel('To position (optional)').fill('999999');
      await button(page, 'Download the export').click();
      await page
        .getByRole('alert')
        .getByText(/must not be beyond the head/)
        .first()
        .waitFor();
      await page.getByLabel('To position (optional)').fill('x');
      assert.ok(await button(page, 'Download the export').isDisabled());
      await close();
    });

    test('shows what a verification finds where a balance was changed', async () => {
      const owner = await stage.database.connect();
      await owner.query("set session_replication_role = 'replica'");
      const change = (by: number) =>
        owner.query('update wallets set balance = balance + $1 where id = $2', [by, wallet]);
      await change(1);
      const opened = await stage.open('#/audit');
      const { page } = opened;
      await button(page, 'Verify the log').click();
      const findings = page.getByRole('region', { name: 'Findings of the verification' });
      await findings.getByText('wallets', { exact: true }).first().waitFor();
      await change(-1);
      await owner.end();
      await lookUp(page, transaction.position);
      await seen(page, HOLDS);
      await tamper(page, takeMore);
      await seen(page, BROKEN);
      await looksRight(opened, 'audit-findings');
      assert.deepEqual(opened.complaints(), []);
      await opened.close();
    });
  });
}

export function auditPageWithKey(): void {
  describe('The Audit page where the service wants a key', () => {
    const KEY = 'the-admin-key-of-this-test-and-no-other';
    let stage: Stage;

    before(async () => {
      stage = await setStage({ adminKey: KEY });
      const authorization = `Bearer ${KEY}`;
      await stage.service.post('/users', { email: 'kate@example.com' }, 'kate', { authorization });
    });

    after(async () => {
      await stage.close();
    });

    test('saves the export that no link could fetch', async () => {
      const { page, close } = await stage.open('#/audit');
      // As in browsers that let no page write a file: with it, a dialog asks where to.
      await page.evaluate('delete globalThis.showSaveFilePicker');
      await page.getByLabel('API key').fill(KEY);
      await button(page, 'Use key').click();
      await seen(page, /Updated/);
      const coming = page.waitForEvent('download');
      await button(page, 'Download the export').click();
      const file = await coming;
      assert.match(file.suggestedFilename(), /^coffer-export-[\w-]+-1-\d+\.tar$/);
      assert.ok((await readFile(await file.path())).includes('manifest.json'));
      await close();
    });
  });
}
