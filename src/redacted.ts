/** Text that leaves the process for a log or a terminal, without the secrets that errors like to quote. */

/** The password in a URL, up to the last @ before its path; a bearer token; an API key, but for its public beginning; a password in a connection string of words. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:@/"']*):[^\s/"']*@/gi, '$1:***@'],
  [/\b(Bearer|Basic) +[^\s"'\\]+/gi, '$1 ***'],
  [/\b(cof_[a-z2-7]{8})_[A-Za-z0-9_-]{10,}/g, '$1_***'],
  [/\b(password=)[^\s&"'\\]+/gi, '$1***'],
];

/** Shorter ones are words that may stand anywhere, such as the default password of docker-compose.yml. */
const MIN_SECRET_CHARS = 12;

/** `secrets`: values that never may be shown, wherever they stand. */
export function redactor(secrets: readonly string[] = []): (text: string) => string {
  const known = secrets
    .filter((secret) => secret.length >= MIN_SECRET_CHARS)
    // As they stand in JSON, too.
    .flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1)])]);
  return (text) => {
    let shown = text;
    for (const secret of known) shown = shown.replaceAll(secret, '***');
    for (const [pattern, replacement] of PATTERNS) shown = shown.replace(pattern, replacement);
    return shown;
  };
}
