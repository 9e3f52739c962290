/** The log of a process: JSON lines by pino, without bodies, keys or anything personal. */
import { pino, type DestinationStream, type Logger } from 'pino';
import { redactor } from './redacted.ts';

const MAX_CAUSES = 5;

type LoggedError = {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly constraint?: string;
  readonly stack: string;
  readonly cause?: LoggedError;
};

/**
 * Only named fields of an error: the driver hangs its connection on some, and PostgreSQL's `detail` quotes the
 * values that violated a constraint, e-mails included.
 */
export function loggedError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error), stack: '' };
  const { code, constraint } = error as Error & { code?: unknown; constraint?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof constraint === 'string' ? { constraint } : {}),
    stack: error.stack ?? '',
    ...(error.cause === undefined || depth >= MAX_CAUSES
      ? {}
      : { cause: loggedError(error.cause, depth + 1) }),
  };
}

/** `secrets`: values that no line shows, whoever wrote it. Passwords in URLs and bearer tokens are never shown. */
export function createLogger(options: {
  level: string;
  destination?: DestinationStream;
  secrets?: readonly string[];
}): Logger {
  const settings = {
    level: options.level,
    serializers: { err: (error: unknown) => loggedError(error) },
    hooks: { streamWrite: redactor(options.secrets) },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}
