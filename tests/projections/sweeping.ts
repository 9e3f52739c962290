/** What tests of the sweep begin with: a service that works, a user with 1000 of an asset, and a way to lose its jobs. */
import { openedService, type Opened } from '../http/opened.ts';
import { createAsset, registerUser } from '../support/service.ts';

export const LIMIT_MS = 3_000;

type Money = { readonly userId: string; readonly assetSlug: string; readonly amount: string };

export type OpenedSweep = Opened & {
  /** Of the user; the body of a command about 1. */
  readonly money: Money;
  /** While this goes on no job that asks for a sweep arrives. */
  readonly withoutJobs: (work: () => Promise<void>) => Promise<void>;
};

export function openedSweep(): OpenedSweep {
  let money: Money | null = null;
  const at = openedService(async (service) => {
    const { id: userId } = await registerUser(service);
    money = { userId, assetSlug: await createAsset(service), amount: '1' };
    await service.post('/transactions/topup', { ...money, amount: '1000' });
  });
  const words = {
    get money(): Money {
      if (money === null) throw new Error('no test has begun yet');
      return money;
    },
    async withoutJobs(work: () => Promise<void>): Promise<void> {
      await at.owner.query(`
create function lose_sweep() returns trigger language plpgsql as $$ begin return null; end $$;
create trigger lose_sweep before insert on pgboss.job for each row when (new.name = 'sweep') execute function lose_sweep();`);
      try {
        await work();
      } finally {
        await at.owner.query('drop trigger lose_sweep on pgboss.job');
      }
    },
  };
  return Object.defineProperties(words as OpenedSweep, Object.getOwnPropertyDescriptors(at));
}
