/** What tests of commands for later begin with: a user with 100, and the words for schedules. */
import assert from 'node:assert/strict';
import type { Reply } from '../support/service.ts';
import { until } from '../support/until.ts';
import { openedHolder, type OpenedHolder } from './opened.ts';
import type { Holder } from './payments.ts';

export const DAY_MS = 24 * 3_600 * 1_000;

/** Far enough ahead that the command is not refused, near enough to wait for. */
export const soon = (): string => new Date(Date.now() + 1_500).toISOString();
export const tomorrow = (): string => new Date(Date.now() + DAY_MS).toISOString();

// oxlint-disable-next-line typescript/no-explicit-any -- bodies of all shapes
export type Any = any;

type ScheduleWords = {
  /** Asked for, for soon unless the body says when; resolves to the schedule. */
  readonly scheduled: (path: string, body: object, key?: string) => Promise<Any>;
  readonly cancel: (scheduleId: string, body?: object, key?: string) => Promise<Reply>;
  /** Resolves to the schedule once it has ended. */
  readonly ended: (scheduleId: string) => Promise<Any>;
  readonly balance: (holder: Holder) => Promise<string>;
};

export function openedSchedules(): OpenedHolder & ScheduleWords {
  const at = openedHolder('100');
  const words: ScheduleWords = {
    async scheduled(path, body, key) {
      const reply = await at.service.post(path, { executeAt: soon(), ...body }, key);
      assert.equal(reply.status, 202, reply.text);
      return reply.body;
    },
    cancel: (scheduleId, body = {}, key) => at.service.post(`/scheduled/${scheduleId}/cancel`, body, key),
    ended: (scheduleId) =>
      until('the schedule has ended', async () => {
        const { body } = await at.service.get(`/scheduled/${scheduleId}`);
        return body.status !== 'scheduled' && body;
      }),
    async balance({ userId, assetSlug }) {
      const { body } = await at.service.get(`/wallets/${userId}/${assetSlug}/balance?consistency=strong`);
      return `${body.balance}, ${body.held} held`;
    },
  };
  return Object.defineProperties(words as OpenedHolder & ScheduleWords, Object.getOwnPropertyDescriptors(at));
}
