/**
 * An event as a line of an export: JSON with the columns of its leaf in their order, the stored bytes of `data` as they are at the
 * end. From the line the leaf is computed again, and its hash held against the tree.
 */
import { isLeafTime, type Leaf } from '../tree/leaf.ts';

const DATA = ',"data":';

/** The line, with its end. Throws for data with a line break in it, which canonical JSON never has. */
export function eventLine({ data, position, ...rest }: Leaf): string {
  if (data.includes('\n')) throw new Error(`the data of position ${position} is no line`);
  const head = JSON.stringify({ position: position.toString(), ...rest });
  return `${head.slice(0, -1)}${DATA}${data}}\n`;
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
/** What is between the quotes is looked at by itself. */
const TIME = String.raw`[^"\\]*`;
const TEXT = String.raw`"(?:[^"\\\x00-\x1f]|\\.)*"`;

/** Members before `data`, as eventLine writes them: in this order, and in no other spelling. */
const HEAD = new RegExp(
  [
    String.raw`^\{"position":"(?<position>[1-9][0-9]{0,18})"`,
    `"id":"(?<id>${UUID})"`,
    `"type":(?<type>${TEXT})`,
    String.raw`"version":(?<version>\d{1,5})`,
    `"idempotencyKey":(?<idempotencyKey>null|${TEXT})`,
    '"fingerprint":(?<fingerprint>null|"(?:[0-9a-f]{2})+")',
    `"actor":(?<actor>${TEXT})`,
    `"correlationId":(?<correlationId>null|${TEXT})`,
    `"relatedId":(?<relatedId>null|"${UUID}")`,
    `"occurredAt":"(?<occurredAt>${TIME})"`,
    `"recordedAt":"(?<recordedAt>${TIME})"`,
    `"effectiveAt":(?<effectiveAt>null|"${TIME}")`,
    '"data":',
  ].join(','),
  'u',
);

const ESCAPED = /\\/;

/** Reads a line without its end. Throws for what eventLine would not have written. */
export function parseEventLine(line: string): Leaf {
  const found = HEAD.exec(line);
  if (found?.groups === undefined || !line.endsWith('}')) throw new Error(`no event: ${line.slice(0, 100)}`);
  const { position, id, type, version, idempotencyKey, fingerprint, actor, correlationId } = found.groups;
  const { relatedId, occurredAt, recordedAt, effectiveAt } = found.groups;
  const times = {
    occurredAt: occurredAt as string,
    recordedAt: recordedAt as string,
    effectiveAt: textOrNull(effectiveAt as string),
  };
  for (const [name, time] of Object.entries(times))
    if (time !== null && !isLeafTime(time)) throw new Error(`no time: ${name} ${time.slice(0, 100)}`);
  return {
    position: BigInt(position as string),
    id: id as string,
    type: textOf(type as string),
    version: Number(version),
    idempotencyKey: textOrNull(idempotencyKey as string),
    fingerprint: textOrNull(fingerprint as string),
    actor: textOf(actor as string),
    correlationId: textOrNull(correlationId as string),
    relatedId: textOrNull(relatedId as string),
    ...times,
    data: line.slice(found[0].length, -1),
  };
}

function textOrNull(json: string): string | null {
  return json === 'null' ? null : textOf(json);
}

/** Almost never has a text anything to unescape. */
function textOf(json: string): string {
  return ESCAPED.test(json) ? (JSON.parse(json) as string) : json.slice(1, -1);
}
