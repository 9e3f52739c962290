/** coffer audit check: neither service nor database, only a proof and a public key. */
import { readFile } from 'node:fs/promises';
import { checkKeys, checkProof, ProofError } from '../audit/sealed/proof-document.ts';

const NOT_PROVEN = 1;
const COULD_NOT_RUN = 2;

export type CheckOptions = { readonly key: string };

export async function runAuditCheck(file: string, options: CheckOptions): Promise<number> {
  const keys = await usable(options.key, (text) => {
    checkKeys(text);
    return text;
  });
  const document = await usable(file, (text) => JSON.parse(text) as unknown);
  if (keys === null || document === null) return COULD_NOT_RUN;
  try {
    const { event, checkpoint } = checkProof(document.value, keys.value);
    console.log(`Proven: event ${event.id} is in the log.`);
    console.log(
      `  ${event.type}, position ${event.position}, recorded at ${event.recordedAt} by ${event.actor}`,
    );
    console.log(`  sealed by ${checkpoint.origin} as one of ${checkpoint.size} events`);
    console.log(`  under the root ${checkpoint.root.toString('base64')}`);
    return 0;
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    console.log(`Not proven. ${error.message}`);
    return NOT_PROVEN;
  }
}

/** Null, and a word on stderr, for a file that cannot be read or understood. */
async function usable<Value>(
  file: string,
  read: (text: string) => Value,
): Promise<{ readonly value: Value } | null> {
  try {
    return { value: read(await readFile(file, 'utf8')) };
  } catch (error) {
    console.error(`${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
