/**
 * Lifts stored events to the version of today. An upcaster belongs to (type, stored version) and yields the
 * next version's data; it never looks anything up. A stored event that no upcaster and no schema fits is a
 * broken log, and reading it stops there: guessing at money is worse than stopping.
 */
import { currentVersion, eventSchemas, isEventType, type Fact } from './catalog.ts';

type Upcaster = (data: unknown) => unknown;

/** `upcasters['transaction.posted@1']` would make version 2 from version 1. There is no second version yet. */
const upcasters: Readonly<Record<string, Upcaster>> = {};

export class UnreadableEventError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UnreadableEventError';
  }
}

/** Throws UnreadableEventError for an unknown type, a version from the future or data that fails its schema. */
export function upcast(stored: { type: string; version: number; data: unknown }): Fact {
  const { type } = stored;
  if (!isEventType(type)) throw new UnreadableEventError(`unknown event type ${type}`);
  let { version, data } = stored;
  while (version < currentVersion[type]) {
    const lift = upcasters[`${type}@${version}`];
    if (lift === undefined) throw new UnreadableEventError(`no upcaster for ${type} version ${version}`);
    data = lift(data);
    version += 1;
  }
  if (version !== currentVersion[type]) {
    throw new UnreadableEventError(`${type} version ${version} is newer than this program knows`);
  }
  const parsed = eventSchemas[type].safeParse(data);
  if (!parsed.success) throw new UnreadableEventError(`${type} version ${version}: ${parsed.error.message}`);
  return { type, version, data: parsed.data } as Fact;
}
