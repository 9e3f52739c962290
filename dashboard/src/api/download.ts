/**
 * Files that the service streams. Without a key the browser fetches them by itself, straight to disk. A link cannot carry a
 * key: then the answer is read here, and goes to a file as it comes where the browser lets a page write one, else into memory.
 */
import type { Problem } from './client.ts';
import { authorization } from './key.ts';

const TIMEOUT_MS = 10_000;
/** More is not held in memory. */
const MOST_IN_MEMORY_BYTES = 512 * 2 ** 20;

type FilePicker = (options: {
  suggestedName: string;
}) => Promise<{ createWritable(): Promise<WritableStream<Uint8Array>> }>;

const TOO_LARGE: Problem = {
  code: 'no_answer',
  title: 'The file is too large for this browser',
  detail: 'Fetch it with curl, or run coffer audit export beside the service.',
};
const NO_ANSWER: Problem = {
  code: 'no_answer',
  title: 'The server does not answer',
  detail: 'The file did not come, or not whole.',
};

/** `onBytes`: how many came so far, where the page sees them. Resolves to what went wrong, or null; never rejects. */
export async function download(
  path: string,
  fileName: string,
  onBytes: (bytes: number) => void,
): Promise<Problem | null> {
  try {
    const problem = await refusalOf(path);
    if (problem !== null) return problem;
    if (Object.keys(authorization()).length === 0) save(path, '');
    else return await fetchWithKey(path, fileName, onBytes);
    return null;
  } catch (error) {
    // Whoever closes the dialog wants nothing.
    return error instanceof DOMException && error.name === 'AbortError' ? null : NO_ANSWER;
  }
}

/** A problem in place of the file would be saved as one, so what would come is asked for alone first. */
async function refusalOf(path: string): Promise<Problem | null> {
  const headers = authorization();
  const asked = await fetch(path, { method: 'HEAD', headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (asked.ok) return null;
  // That had no body that could say it.
  const ending = new AbortController();
  const response = await fetch(path, { headers, signal: ending.signal });
  if (!response.ok) return (await response.json()) as Problem;
  ending.abort();
  return { ...NO_ANSWER, detail: `It answered with the status ${asked.status} just now. Try again.` };
}

async function fetchWithKey(
  path: string,
  fileName: string,
  onBytes: (bytes: number) => void,
): Promise<Problem | null> {
  const pick = (globalThis as { showSaveFilePicker?: FilePicker }).showSaveFilePicker;
  // Before the answer begins: browsers want the click to be fresh.
  const file = pick === undefined ? null : await pick({ suggestedName: fileName });
  const response = await fetch(path, { headers: authorization() });
  if (!response.ok || response.body === null) return (await response.json()) as Problem;
  const counted = response.body.pipeThrough(counting(onBytes));
  if (file === null) return intoMemory(counted, nameOf(response) ?? fileName);
  await counted.pipeTo(await file.createWritable());
  return null;
}

async function intoMemory(stream: ReadableStream<Uint8Array>, fileName: string): Promise<Problem | null> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.length;
    if (bytes > MOST_IN_MEMORY_BYTES) {
      await reader.cancel();
      return TOO_LARGE;
    }
    parts.push(Uint8Array.from(value));
  }
  const url = URL.createObjectURL(new Blob(parts));
  save(url, fileName);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return null;
}

function counting(onBytes: (bytes: number) => void): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.length;
      onBytes(bytes);
      controller.enqueue(chunk);
    },
  });
}

/** An empty name: the one that the service gives. */
function save(url: string, name: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
}

function nameOf(response: Response): string | null {
  return /filename="([\w.-]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? null;
}
