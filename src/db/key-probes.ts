/**
 * Session settings for work that finds every row by its key. Nested loops over index probes are the only good
 * plans there, at any size; a planner without statistics (a fresh database, a table that just grew) otherwise
 * chooses to join a batch with all wallets, which costs more with each wallet. See docs/adr/0004-key-probes.md.
 */
export const keyProbeSettings: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_material: 'off',
};

/**
 * Session settings for folding a range of the log: the range itself is read by the primary key, and what was read may be
 * joined by hashing, but no table is ever scanned.
 */
export const rangeSettings: Readonly<Record<string, string>> = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_mergejoin: 'off',
};
