/** SHA-256 of all that the built dashboard depends on, in hexadecimal. */
export function digestOfSources(): string;
