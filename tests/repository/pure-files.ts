/**
 * The files that decide and fold: no I/O, no clock, no chance, nothing asynchronous. The linter is tested to
 * treat each of them so, and purity.test.ts follows their imports.
 */
export const pureFiles = [
  'src/money.ts',
  'src/rate.ts',
  'src/errors.ts',
  'src/text.ts',
  'src/events/body.ts',
  'src/events/canonical.ts',
  'src/events/catalog.ts',
  'src/events/evolve.ts',
  'src/events/lots.ts',
  'src/events/outcome.ts',
  'src/events/personal-fields.ts',
  'src/events/state.ts',
  'src/events/transaction-resource.ts',
  'src/events/upcast.ts',
  'src/commands/decide.ts',
  'src/commands/decide-erasure.ts',
  'src/commands/decide-hold.ts',
  'src/commands/decide-lot.ts',
  'src/commands/decide-reversal.ts',
  'src/commands/decide-transaction.ts',
  'src/commands/decision.ts',
  'src/commands/exchange-terms.ts',
  'src/commands/fields.ts',
  'src/commands/money-schemas.ts',
  'src/commands/postings.ts',
  'src/commands/schemas.ts',
];
