/**
 * Who asks, and of which ledger. As soon as there ever was a key, a request needs one, and the key decides: the ledger, the
 * actor of the events, and what may be asked at all. Before that whoever reaches the service may do everything.
 */
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Grant, KeyRing } from '../access/key-ring.ts';
import { covers, type Scope } from '../access/scopes.ts';
import type { Command } from '../commands/schemas.ts';
import type { HttpDeps, LedgerServices } from './deps.ts';
import { AccessError } from './error-handler.ts';
import { accessOfRequest, isDocumentation, isOfAllLedgers } from './route-access.ts';

/** What stands in events while nobody has to say who asks. */
const ACTOR_BEFORE_KEYS = 'anonymous';

export type Caller = {
  readonly actor: string;
  readonly ledger: LedgerServices;
  /** Null before keys exist. */
  readonly grant: Grant | null;
};

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where nobody is known, and where it does not matter. */
    caller: Caller | null;
    /** Of the caller: routes reach nothing of a ledger but by this. */
    readonly ledger: LedgerServices;
    /** Of the caller, as it stands in events. */
    readonly actor: string;
  }
}

export function identifyCallers(
  app: FastifyInstance,
  { mainLedgerId, servicesOf, keys }: Pick<HttpDeps, 'mainLedgerId' | 'servicesOf' | 'keys'>,
): void {
  const anyone: Caller = { actor: ACTOR_BEFORE_KEYS, ledger: servicesOf(mainLedgerId), grant: null };

  function callerOf(request: FastifyRequest): Caller | null {
    if (!keys.isClosed()) return anyone;
    // Who only asks whether the service is well is answered whatever else is wrong.
    if (accessOfRequest(request) === 'open') return null;
    const text = bearerOf(request);
    const grant = text === null ? null : keys.find(text, Date.now());
    return grant === null ? null : { actor: `key:${grant.keyId}`, ledger: servicesOf(grant.ledgerId), grant };
  }

  app.decorateRequest('caller', null);
  app.decorateRequest('ledger', {
    getter() {
      return known(this.caller).ledger;
    },
  });
  app.decorateRequest('actor', {
    getter() {
      return known(this.caller).actor;
    },
  });
  app.addHook('onRequest', (request, _reply, done) => {
    request.caller = callerOf(request);
    done();
  });
  // After all that looks at a request by itself, such as its rate, and before anything of it is read.
  app.addHook('preParsing', (request, _reply, payload, done) => {
    if (keys.isClosed()) authorize(request, mainLedgerId);
    done(null, payload);
  });
  endStreamsOfRevoked(app, keys);
}

function known(caller: Caller | null): Caller {
  if (caller === null) throw new Error('a route that is open to all asked for its caller');
  return caller;
}

function authorize(request: FastifyRequest, mainLedgerId: number): void {
  const access = accessOfRequest(request);
  if (access === 'open') return;
  if (request.caller === null)
    throw unauthenticated({ sent: bearerOf(request) !== null, forPeople: isDocumentation(request) });
  if (access === 'any') return;
  requireScope(request, access);
  const { url } = request.routeOptions;
  if (request.caller.ledger.ledgerId !== mainLedgerId && url !== undefined && isOfAllLedgers(url))
    throw forbidden(access, 'This is of all ledgers together, and takes a key of the ledger main.');
}

/** Throws AccessError where the caller's key does not cover it. */
export function requireScope(request: FastifyRequest, needed: Scope): void {
  const { grant } = known(request.caller);
  if (grant !== null && !covers(grant.scopes, needed)) throw forbidden(needed);
}

/** What a command needs beyond the scope of its route. */
export function scopeOf(command: Command): Scope | null {
  if (command.kind === 'schedule.create') return scopeOf(command.command);
  const forced = command.kind === 'reversal' && command.force === true;
  return forced || command.kind === 'user.erase' ? 'admin' : null;
}

/** Throws AccessError for a command that the caller's key does not cover. */
export function requireScopeFor(request: FastifyRequest, command: Command): void {
  const needed = scopeOf(command);
  if (needed !== null) requireScope(request, needed);
}

/** The token of `Authorization: Bearer <token>`; null where there is none. */
function bearerOf({ headers: { authorization } }: FastifyRequest): string | null {
  return authorization === undefined
    ? null
    : (/^bearer +([\x21-\x7e]+) *$/i.exec(authorization)?.[1] ?? null);
}

/** Who follows a link with a browser sends no key, and cannot. */
const DOCUMENTATION_BY_OTHER_WAYS =
  'A browser sends none when it opens an address: open the document from the foot of the dashboard, at /, ' +
  'once it has a key, or fetch it: curl --header "Authorization: Bearer $COFFER_KEY" on /openapi.json.';

/** RFC 6750: who sent no token is told only that one is needed. */
function unauthenticated({ sent, forPeople }: { sent: boolean; forPeople: boolean }): AccessError {
  const needed = 'This request needs a key, as Authorization: Bearer.';
  const detail = sent
    ? 'The key is not known, or was revoked, or is over.'
    : forPeople
      ? `${needed} ${DOCUMENTATION_BY_OTHER_WAYS}`
      : needed;
  const error = sent ? `, error="invalid_token", error_description="${detail}"` : '';
  return new AccessError('unauthenticated', detail, {
    challenge: `Bearer realm="coffer"${error}`,
    members: {},
  });
}

function forbidden(scope: Scope, detail = `The key does not have the scope ${scope}.`): AccessError {
  const challenge = `Bearer realm="coffer", error="insufficient_scope", scope="${scope}"`;
  return new AccessError('forbidden', detail, { challenge, members: { scope } });
}

/** A stream begun with a key that counts no longer ends, and not as if it were complete. */
function endStreamsOfRevoked(app: FastifyInstance, keys: KeyRing): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const grant = request.caller?.grant ?? null;
    if (grant === null || !(payload instanceof Readable)) return done(null, payload);
    const stop = keys.onLook(() => {
      if (!keys.holds(grant, Date.now())) reply.raw.destroy();
    });
    reply.raw.once('close', stop);
    return done(null, payload);
  });
}
