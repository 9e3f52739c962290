/** Triggers that make one test database misbehave for chosen commands: those with a certain correlation id. */
import { randomInt } from 'node:crypto';
import type pg from 'pg';

export type Stall = {
  /** The correlation id of commands whose commits stall. */
  readonly correlationId: string;
  release(): Promise<void>;
  /** After a release: commits stall again. */
  again(): Promise<void>;
};

/**
 * From now on, COMMIT of a transaction that wrote an event with this correlation id waits until the release, with
 * all its locks held: the moment between deciding and being seen by others, made as long as a test needs.
 */
export async function stallCommits(owner: pg.Client): Promise<Stall> {
  const lock = randomInt(1_000_000_000);
  const name = `stall_${lock}`;
  await owner.query('select pg_advisory_lock($1)', [lock]);
  await owner.query(`
create function ${name}() returns trigger language plpgsql as $$
begin
  perform pg_advisory_xact_lock_shared(${lock});
  return null;
end
$$;
create constraint trigger ${name} after insert on events deferrable initially deferred for each row
   when (new.correlation_id = '${name}') execute function ${name}()`);
  return {
    correlationId: name,
    async release() {
      await owner.query('select pg_advisory_unlock($1)', [lock]);
    },
    async again() {
      // Had it not been released, one release would no longer be enough.
      await owner.query('select pg_advisory_unlock_all()');
      await owner.query('select pg_advisory_lock($1)', [lock]);
    },
  };
}

/**
 * From now on, events with this correlation id are refused with the given SQLSTATE, the first `times` times.
 * The count survives the rollbacks that it causes.
 */
export async function failAppends(
  owner: pg.Client,
  fault: { correlationId: string; sqlState: string; times?: number },
): Promise<void> {
  const { correlationId, sqlState, times = 1_000_000 } = fault;
  await install(
    owner,
    correlationId,
    `
  if nextval('${correlationId}_count') <= ${times} then
    raise exception 'refused by the test' using errcode = '${sqlState}';
  end if;`,
  );
}

/** From now on, an event with this correlation id takes that long to insert, the first time. */
export async function slowDownAppends(
  owner: pg.Client,
  fault: { correlationId: string; seconds: number },
): Promise<void> {
  const { correlationId, seconds } = fault;
  await install(
    owner,
    correlationId,
    `
  if nextval('${correlationId}_count') = 1 then
    perform pg_sleep(${seconds});
  end if;`,
  );
}

async function install(owner: pg.Client, correlationId: string, body: string): Promise<void> {
  await owner.query(`
create sequence ${correlationId}_count;
grant usage on sequence ${correlationId}_count to public;
create function ${correlationId}() returns trigger language plpgsql as $$
begin
  ${body}
  return new;
end
$$;
create trigger ${correlationId} before insert on events for each row
  when (new.correlation_id = '${correlationId}') execute function ${correlationId}()`);
}
