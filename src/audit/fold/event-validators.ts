/**
 * The schemas of events, compiled from the JSON Schemas that an export carries: what an auditor checks with them is what is checked here, and a
 * compiled check costs a fraction of one by zod, which matters for logs of millions.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { z } from 'zod';
import {
  currentVersion,
  eventSchemas,
  isEventType,
  type EventType,
  type Fact,
} from '../../events/catalog.ts';
import { UnreadableEventError } from '../../events/upcast.ts';
import { readFactBySchema, type ReadFact } from './read-fact.ts';
import { readUsual } from './usual-events.ts';

/** JSON Schema (2020-12) of the data of the current version of an event type. */
export function jsonSchemaOf(type: EventType): object {
  return z.toJSONSchema(eventSchemas[type]);
}

const validators = new Map<EventType, ValidateFunction>();

function validatorOf(type: EventType): ValidateFunction {
  let validator = validators.get(type);
  if (validator === undefined) {
    // Formats have patterns beside them, which say more. That these are schemas is for tests to say: looking costs a fifth of a second a thread.
    const ajv = new Ajv2020({ strict: true, validateFormats: false, meta: false, validateSchema: false });
    validator = ajv.compile(jsonSchemaOf(type));
    validators.set(type, validator);
  }
  return validator;
}

/** As readFactBySchema, by patterns and compiled validators. Strings of the data may be cut out of `text`. */
export const readFact: ReadFact = (stored) => {
  const { type, version, text } = stored;
  if (!isEventType(type) || version !== currentVersion[type]) return readFactBySchema(stored);
  const usual = readUsual(type, text);
  if (usual !== null) return { fact: { type, version, data: usual } as Fact, data: usual };
  const data: unknown = JSON.parse(text);
  const validator = validatorOf(type);
  if (validator(data)) return { fact: { type, version, data } as Fact, data };
  const [error] = validator.errors ?? [];
  throw new UnreadableEventError(
    `${type} version ${version}: data${error?.instancePath ?? ''} ${error?.message ?? ''}`,
  );
};
