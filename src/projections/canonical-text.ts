/**
 * What read models need of the `data` of `events e`, without parsing all of it: the postings are most of a transaction's bytes, and
 * reading three fields as JSON costs twice as much as all the rest of filling a row.
 *
 * The bytes are canonical (RFC 8785): keys in order, no space; inside of a string no key can stand, since its quotes are escaped.
 * Tests hold each of these against the same field read as JSON.
 *
 * At the top of a transaction, what comes after "reference" are reversedType, reverses, toUserId, type and userId, each a string or
 * null. So the last `"reference":` is that of the top, and from there on each key stands once.
 */

/** The type alone. It is never null and needs no escapes. */
export const typeOf = `split_part(split_part(e.data::text, '"type":"', -1), '"', 1)`;

/** For `cross join lateral`, beside `events e`; the fields below are read from it. */
export const requestTail = `(select split_part(e.data::text, '"reference":', -1) as text offset 0) tail`;

export const tailType = `split_part(split_part(tail.text, '"type":"', 2), '"', 1)`;

/** Null where the field is null. */
export const tailUserId = `nullif(split_part(split_part(tail.text, '"userId":"', 2), '"', 1), '')::uuid`;

/** Any text: where there is something to unescape, it is read as JSON. */
export const tailReference = `case
         when starts_with(tail.text, 'null,') then null
         when strpos(tail.text, '\\') = 0 then split_part(tail.text, '"', 2)
         else e.data ->> 'reference'
       end`;

/**
 * Of a `wallet.opened`, for `cross join lateral`: whose it is, and of what. Each key stands once there, and no value needs
 * escapes: ids, slugs, numbers and names of system accounts. The owner is `{"system":"..."}` or `{"userId":"..."}`.
 */
export const openedWallet = `(
       select split_part(split_part(document.text, '"walletId":"', 2), '"', 1)::uuid as wallet_id,
              split_part(split_part(document.text, '"assetId":"', 2), '"', 1)::uuid as asset_id,
              split_part(split_part(document.text, '"owner":{"', 2), '"', 3) as owner,
              strpos(document.text, '"owner":{"system":') > 0 as is_system
         from (select e.data::text as text offset 0) document
       offset 0
       ) opened`;
