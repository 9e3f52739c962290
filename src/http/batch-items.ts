/** The commands of a batch as they are sent, each read by itself: what is none is a 400 in its place. */
import type { z } from 'zod';
import { isUsableKey } from '../commands/idempotency.ts';
import type { Request } from '../commands/submission.ts';
import { InvalidRequestError } from '../errors.ts';
import { canonicalJson } from '../events/canonical.ts';
import type { AccessError } from './error-handler.ts';
import { isMoneyKind, moneyRoutes, pathOfKind, type MoneyKind } from './money-commands.ts';

/** A command that can be submitted, or what is wrong with it. */
export type ReadItem = { readonly path: string; readonly kind: string } & (
  | { readonly request: Request }
  | { readonly fault: InvalidRequestError | AccessError }
);

/** The field that names what a command is about; on its own route that is in the path. */
const SUBJECT: Partial<Record<MoneyKind, string>> = {
  capture: 'holdId',
  release: 'holdId',
  reversal: 'transactionId',
};

export function readItem(
  item: unknown,
  given: { actor: string; correlationId: string; dryRun: boolean },
): ReadItem {
  if (typeof item !== 'object' || item === null || Array.isArray(item))
    return notACommand('body', 'must be an object');
  const { idempotencyKey, type, ...fields } = item as Record<string, unknown>;
  if (!isMoneyKind(type)) return notACommand('type', `must be one of ${Object.keys(moneyRoutes).join(', ')}`);
  const key = typeof idempotencyKey === 'string' && isUsableKey(idempotencyKey) ? idempotencyKey : null;
  const { subject, body } = splitFields(type, fields);
  const { params, body: schema, command } = moneyRoutes[type] as (typeof moneyRoutes)['reversal'];
  const ofPath = SUBJECT[type] === undefined ? NO_PARAMS : params.safeParse({ id: subject });
  const ofBody = schema.safeParse(body);
  const path = pathOfKind(type, ofPath.success ? (ofPath.data.id ?? null) : ':id');
  const lacksKey = key === null && !given.dryRun;
  if (!ofPath.success || !ofBody.success || lacksKey) {
    const faults = [
      ...(lacksKey ? [KEY_FAULT] : []),
      ...(ofPath.success ? [] : [{ path: SUBJECT[type] ?? 'id', message: 'must be a UUID' }]),
      ...(ofBody.success ? [] : faultsOf(ofBody.error)),
    ];
    return { path, kind: type, fault: new InvalidRequestError(faults) };
  }
  const canonicalRequest = canonicalJson({ command: type, params: ofPath.data, body });
  return {
    path,
    kind: type,
    request: {
      command: command(ofPath.data, ofBody.data),
      idempotencyKey: key,
      canonicalRequest,
      actor: given.actor,
      correlationId: given.correlationId,
    },
  };
}

/** Of a route without any; typed as those that have one. */
const NO_PARAMS = { success: true, data: {} as { id: string } } as const;

function notACommand(path: string, message: string): ReadItem {
  return {
    path: '/transactions/batch',
    kind: 'unknown',
    fault: new InvalidRequestError([{ path, message }]),
  };
}

const KEY_FAULT = {
  path: 'idempotencyKey',
  message: 'must have 1 to 255 visible ASCII characters and no spaces',
};

function splitFields(
  kind: MoneyKind,
  fields: Record<string, unknown>,
): { subject: unknown; body: Record<string, unknown> } {
  const named = SUBJECT[kind];
  if (named !== undefined) {
    const { [named]: subject, ...body } = fields;
    return { subject, body };
  }
  if (kind !== 'postings' || !Object.hasOwn(fields, 'transactionType'))
    return { subject: null, body: fields };
  const { transactionType, ...body } = fields;
  return { subject: null, body: { ...body, type: transactionType } };
}

function faultsOf(error: z.ZodError): { path: string; message: string }[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.join('.');
    if (issue.code !== 'unrecognized_keys')
      return [{ path: path === '' ? 'body' : path, message: issue.message }];
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      message: 'is not a known field',
    }));
  });
}
