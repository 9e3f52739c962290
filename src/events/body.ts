/** A resource or answer as JSON shows it. Its members keep the order in which they were written. */
export type Body = { readonly [member: string]: unknown };
