/**
 * What most events of a log look like, as patterns over their canonical JSON: one that matches fits its schema, at a third of what a compiled
 * check of the parsed value costs. They are narrower than the schemas, and say nothing of what does not match: that is for
 * the validators. Of the most common shapes the pattern also tells the parts, for half of what parsing costs.
 */
import type { EventData, EventType, Hold } from '../../events/catalog.ts';

const ID = '"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"';
const AMOUNT = '"[1-9][0-9]{0,37}"';
const AMOUNT_OR_ZERO = '"(?:0|[1-9][0-9]{0,37})"';
const BALANCE = '"(?:0|-?[1-9][0-9]{0,37})"';
const SLUG = '"[a-z0-9][a-z0-9_-]{0,63}"';
const DIGEST = '"[0-9a-f]{64}"';
/** Without anything to unescape. */
const TEXT = String.raw`"[^"\\\x00-\x1f]*"`;
/** The one spelling of times that the service writes, in days that every month has. */
const TIME = String.raw`"20[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"`;

const STATUS = '"(?:open|captured|released|expired)"';

const SIDE = `\\{"balanceAfter":${BALANCE},"walletId":${ID}\\}`;
const POSTING = `\\{"amount":${AMOUNT},"asset":${SLUG},"from":${SIDE},"to":${SIDE}\\}`;
/** Names that mean nothing to JavaScript. */
const NAME = '"[A-Za-z][A-Za-z0-9._-]{0,63}"';
const METADATA = `(?:null|${record(TEXT)})`;
const REQUEST_BEGIN = `"amount":(?:null|${AMOUNT}),(?:"asked":${record(`(?:null|${TEXT})`)},)?"asset":(?:null|${SLUG})`;
const REFERENCE = `"reference":(?:null|${TEXT})`;
const REQUEST_END = `(?:"toUserId":${ID},)?"type":${TEXT},"userId":(?:null|${ID})`;
const HOLD = holdOf((quoted) => quoted);

const patterns: Partial<Record<EventType, RegExp>> = {
  'transaction.posted': whole(
    `${REQUEST_BEGIN},"metadata":${METADATA},"postings":\\[${POSTING}(?:,${POSTING}){0,9}\\]`,
    `(?:"reason":(?:null|${TEXT}),)?${REFERENCE},(?:"reversedType":${TEXT},"reverses":${ID},)?${REQUEST_END}`,
  ),
  'transaction.rejected': whole(
    `${REQUEST_BEGIN},"code":${TEXT},"detail":${TEXT},"figures":${record(`(?:null|${TEXT})`)}`,
    `"metadata":${METADATA},${REFERENCE},${REQUEST_END}`,
  ),
  'hold.captured': whole(
    `${REQUEST_BEGIN},"final":(?:true|false),"heldAfter":${AMOUNT_OR_ZERO},"hold":${HOLD}`,
    `"metadata":${METADATA},"postings":\\[${POSTING}\\],${REFERENCE},${REQUEST_END}`,
  ),
  'wallet.opened': whole(
    `"asset":${SLUG},"assetId":${ID},"floor":(?:null|${BALANCE}),"owner":\\{"userId":${ID}\\},"walletId":${ID}`,
  ),
  'user.registered': whole(`"email":${DIGEST},"userId":${ID}`),
};

type Posted = EventData<'transaction.posted'>;

/** What a pattern of a string has between its quotes, as a group. */
function part(quoted: string): string {
  return `"(${quoted.slice(1, -1)})"`;
}

/** A top-up, spend, bonus or transfer: one posting. */
const ONE_POSTING = whole(
  `"amount":${part(AMOUNT)},"asset":${part(SLUG)},"metadata":(${METADATA})`,
  `"postings":\\[\\{"amount":${part(AMOUNT)},"asset":${part(SLUG)},"from":${sideParts()},"to":${sideParts()}\\}\\]`,
  `"reference":(?:null|${part(TEXT)}),(?:"toUserId":${part(ID)},)?"type":${part(TEXT)},"userId":(?:null|${part(ID)})`,
);

type PostedParts = readonly [
  ...[all: string, amount: string, asset: string, metadata: string, moved: string, ofAsset: string],
  ...[payerBalance: string, payer: string, payeeBalance: string, payee: string],
  ...[reference: string | undefined, toUserId: string | undefined, type: string, userId: string | undefined],
];

function sideParts(): string {
  return `\\{"balanceAfter":${part(BALANCE)},"walletId":${part(ID)}\\}`;
}

function readOnePosting(text: string): Posted | null {
  const found = ONE_POSTING.exec(text) as PostedParts | null;
  if (found === null) return null;
  const data: Posted = {
    amount: found[1],
    asset: found[2],
    metadata: found[3] === 'null' ? null : (JSON.parse(found[3]) as Posted['metadata']),
    postings: [
      {
        amount: found[4],
        asset: found[5],
        from: { balanceAfter: found[6], walletId: found[7] },
        to: { balanceAfter: found[8], walletId: found[9] },
      },
    ],
    reference: found[10] ?? null,
    type: found[12],
    userId: found[13] ?? null,
  };
  if (found[11] !== undefined) data.toUserId = found[11];
  return data;
}

/** The pattern of a hold, with each string as `as` has it. */
function holdOf(as: (quoted: string) => string): string {
  return [
    `\\{"amount":${as(AMOUNT)},"asset":${as(SLUG)},"captured":${as(AMOUNT_OR_ZERO)},"expiresAt":(?:null|${as(TIME)})`,
    `"holdId":${as(ID)},"reference":(?:null|${as(TEXT)}),"remaining":${as(AMOUNT_OR_ZERO)},"status":${as(STATUS)}`,
    `"userId":${as(ID)},"walletId":${as(ID)}\\}`,
  ].join(',');
}

type HoldParts = readonly [
  ...[amount: string, asset: string, captured: string, expiresAt: string | undefined, holdId: string],
  ...[reference: string | undefined, remaining: string, status: string, userId: string, walletId: string],
];

function readHold(found: HoldParts): Hold {
  return {
    amount: found[0],
    asset: found[1],
    captured: found[2],
    expiresAt: found[3] ?? null,
    holdId: found[4],
    reference: found[5] ?? null,
    remaining: found[6],
    status: found[7] as Hold['status'],
    userId: found[8],
    walletId: found[9],
  };
}

const PLACED = whole(
  `"expiresInSeconds":(?:null|${part(TEXT)}),"heldAfter":${part(AMOUNT_OR_ZERO)},"hold":${holdOf(part)}`,
);

function readPlaced(text: string): EventData<'hold.placed'> | null {
  const found = PLACED.exec(text);
  if (found === null) return null;
  const [, expiresInSeconds, heldAfter = ''] = found as (string | undefined)[];
  return {
    expiresInSeconds: expiresInSeconds ?? null,
    heldAfter,
    hold: readHold(found.slice(3) as unknown as HoldParts),
  };
}

const ENDED = whole(
  `"heldAfter":${part(AMOUNT_OR_ZERO)},"hold":${holdOf(part)},"released":${part(AMOUNT_OR_ZERO)}`,
);

function readEnded(text: string): EventData<'hold.released' | 'hold.expired'> | null {
  const found = ENDED.exec(text);
  if (found === null) return null;
  return {
    heldAfter: found[1] ?? '',
    hold: readHold(found.slice(2, 12) as unknown as HoldParts),
    released: found[12] ?? '',
  };
}

/** The parts are cut out of the text, and keep all of it in memory: who keeps one for long has to copy it. */
const readers: Partial<Record<EventType, (text: string) => EventData<EventType> | null>> = {
  'transaction.posted': readOnePosting,
  'hold.placed': readPlaced,
  'hold.released': readEnded,
  'hold.expired': readEnded,
};

/** Of members with such values. */
function record(value: string): string {
  return `\\{(?:${NAME}:${value}(?:,${NAME}:${value}){0,49})?\\}`;
}

function whole(...members: readonly string[]): RegExp {
  return new RegExp(`^\\{${members.join(',')}\\}$`);
}

/**
 * The data of an event whose canonical JSON is such that it certainly fits the schema of the current version; null for any other. Its
 * strings may be cut out of `text`.
 */
export function readUsual(type: EventType, text: string): EventData<EventType> | null {
  const read = readers[type]?.(text) ?? null;
  if (read !== null) return read;
  return patterns[type]?.test(text) === true ? (JSON.parse(text) as EventData<EventType>) : null;
}
