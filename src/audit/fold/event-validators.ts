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
import { UnreadableEventError, upcast } from '../../events/upcast.ts';

/** JSON Schema (2020-12) of the data of the current version of an event type. */
export function jsonSchemaOf(type: EventType): object {
  return z.toJSONSchema(eventSchemas[type]);
}

const validators = new Map<EventType, ValidateFunction>();

function validatorOf(type: EventType): ValidateFunction {
  let validator = validators.get(type);
  if (validator === undefined) {
    // Formats have patterns beside them, which say more.
    validator = new Ajv2020({ strict: true, validateFormats: false }).compile(jsonSchemaOf(type));
    validators.set(type, validator);
  }
  return validator;
}

/** As upcast, of data that nobody else has. Throws an UnreadableEventError. */
export function readFact(stored: { type: string; version: number; data: unknown }): Fact {
  const { type, version, data } = stored;
  if (!isEventType(type) || version !== currentVersion[type]) return upcast(stored);
  const validator = validatorOf(type);
  if (validator(data)) return { type, version, data } as Fact;
  const [error] = validator.errors ?? [];
  throw new UnreadableEventError(
    `${type} version ${version}: data${error?.instancePath ?? ''} ${error?.message ?? ''}`,
  );
}
