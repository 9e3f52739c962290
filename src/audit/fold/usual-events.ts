/**
 * What most events of a log look like, as patterns over their canonical JSON: one that matches fits its schema, at a third of what a compiled
 * check of the parsed value costs. They are narrower than the schemas, and say nothing of what does not match: that is for
 * the validators.
 */
import type { EventType } from '../../events/catalog.ts';

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

/** Of members with such values. */
function record(value: string): string {
  return `\\{(?:${NAME}:${value}(?:,${NAME}:${value}){0,49})?\\}`;
}

function whole(...members: readonly string[]): RegExp {
  return new RegExp(`^\\{${members.join(',')}\\}$`);
}

/** Whether the JSON of an event's data is such that it certainly fits the schema of the current version. */
export function isUsual(type: EventType, text: string): boolean {
  return patterns[type]?.test(text) ?? false;
}
