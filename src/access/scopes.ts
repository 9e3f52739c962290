/** What a key may do. */

export const SCOPES = ['queries:read', 'audit:read', 'commands:write', 'admin'] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(text: string): text is Scope {
  return (SCOPES as readonly string[]).includes(text);
}

/** `admin` may do what all others may. */
export function covers(held: readonly Scope[], needed: Scope): boolean {
  return held.includes(needed) || held.includes('admin');
}
