/**
 * What most events of a log look like, as patterns over their canonical JSON: one that matches fits its schema, at a third of what a compiled
 * check of the parsed value costs. They are narrower than the schemas, and say nothing of what does not match: that is for
 * the validators. Of the most common shape the pattern also tells the parts, for half of what parsing costs.
 */
import type { EventData, EventType } from '../../events/catalog.ts';

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

const SIDE = `\\{"balanceAfter":${BALANCE},"walletId":${ID}\\}`;
const POSTING = `\\{"amount":${AMOUNT},"asset":${SLUG},"from":${SIDE},"to":${SIDE}\\}`;
/** Names that mean nothing to JavaScript. */
const NAME = '"[A-Za-z][A-Za-z0-9._-]{0,63}"';
const METADATA = `(?:null|${record(TEXT)})`;
const REQUEST_BEGIN = `"amount":(?:null|${AMOUNT}),(?:"asked":${record(`(?:null|${TEXT})`)},)?"asset":(?:null|${SLUG})`;
const REFERENCE = `"reference":(?:null|${TEXT})`;
const REQUEST_END = `(?:"toUserId":${ID},)?"type":${TEXT},"userId":(?:null|${ID})`;
const HOLD = [
  `\\{"amount":${AMOUNT},"asset":${SLUG},"captured":${AMOUNT_OR_ZERO},"expiresAt":(?:null|${TIME}),"holdId":${ID}`,
  `"reference":(?:null|${TEXT}),"remaining":${AMOUNT_OR_ZERO},"status":"(?:open|captured|released|expired)"`,
  `"userId":${ID},"walletId":${ID}\\}`,
].join(',');

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
  'hold.placed': whole(`"expiresInSeconds":(?:null|${TEXT}),"heldAfter":${AMOUNT_OR_ZERO},"hold":${HOLD}`),
  'hold.released': whole(`"heldAfter":${AMOUNT_OR_ZERO},"hold":${HOLD},"released":${AMOUNT_OR_ZERO}`),
  'hold.expired': whole(`"heldAfter":${AMOUNT_OR_ZERO},"hold":${HOLD},"released":${AMOUNT_OR_ZERO}`),
  'wallet.opened': whole(
    `"asset":${SLUG},"assetId":${ID},"floor":(?:null|${BALANCE}),"owner":\\{"userId":${ID}\\},"walletId":${ID}`,
  ),
  'user.registered': whole(`"email":${DIGEST},"userId":${ID}`),
};

type Posted = EventData<'transaction.posted'>;

/** A top-up, spend, bonus or transfer: one posting. Its groups are what stands between the quotes, in order, and `metadata` as JSON. */
const ONE_POSTING = whole(
  `"amount":${part(AMOUNT)},"asset":${part(SLUG)},"metadata":(${METADATA})`,
  `"postings":\\[\\{"amount":${part(AMOUNT)},"asset":${part(SLUG)},"from":${sideParts()},"to":${sideParts()}\\}\\]`,
  `"reference":(?:null|${part(TEXT)}),(?:"toUserId":${part(ID)},)?"type":${part(TEXT)},"userId":(?:null|${part(ID)})`,
);

/** What the pattern of a string has between its quotes, as a group. */
function part(quoted: string): string {
  return `"(${quoted.slice(1, -1)})"`;
}

function sideParts(): string {
  return `\\{"balanceAfter":${part(BALANCE)},"walletId":${part(ID)}\\}`;
}

/** The parts are cut out of `text`, and keep all of it in memory: who keeps one has to copy it. */
function readOnePosting(text: string): Posted | null {
  const found = ONE_POSTING.exec(text) as readonly (string | undefined)[] | null;
  if (found === null) return null;
  const [, amount = '', asset = '', metadata = '', moved = '', of = '', payerHas = '', payer = '', ...more] =
    found;
  const [payeeHas = '', payee = '', reference = null, toUserId, type = '', userId = null] = more;
  const data: Posted = {
    ...{ amount, asset },
    metadata: metadata === 'null' ? null : (JSON.parse(metadata) as Posted['metadata']),
    postings: [
      {
        ...{ amount: moved, asset: of },
        from: { balanceAfter: payerHas, walletId: payer },
        to: { balanceAfter: payeeHas, walletId: payee },
      },
    ],
    ...{ reference, type, userId },
  };
  if (toUserId !== undefined) data.toUserId = toUserId;
  return data;
}

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
  const posted = type === 'transaction.posted' ? readOnePosting(text) : null;
  if (posted !== null) return posted;
  return patterns[type]?.test(text) === true ? (JSON.parse(text) as EventData<EventType>) : null;
}
