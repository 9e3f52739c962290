/** What a command has to say, and whether it was heard: a report that nobody could write down was not made. */
import { once } from 'node:events';
import { open } from 'node:fs/promises';

export class OutputError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'OutputError';
  }
}

/** To stdout. Rejects with an OutputError where it is full or closed. */
export async function print(texts: Iterable<string>): Promise<void> {
  let failed: Error | null = null;
  // Stays: a stream that broke may say so once more, and whoever has read enough does not want to hear of it.
  process.stdout.on('error', (error: Error) => {
    failed = error;
  });
  for (const text of texts) {
    if (failed !== null) throw unwritten('stdout', failed);
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(unwritten('stdout', error)) : resolve()));
    });
  }
}

/** To a file, made anew. Rejects with an OutputError where it cannot be written to the end. */
export async function printTo(path: string, texts: Iterable<string>): Promise<void> {
  try {
    const file = await open(path, 'w');
    const stream = file.createWriteStream();
    const closed = once(stream, 'close');
    for (const text of texts) if (!stream.write(text)) await once(stream, 'drain');
    stream.end();
    await closed;
    if (stream.errored !== null) throw stream.errored;
  } catch (error) {
    throw unwritten(path, error instanceof Error ? error : new Error(String(error)));
  }
}

function unwritten(where: string, { message }: Error): OutputError {
  return new OutputError(`${where} cannot be written: ${message}`);
}
