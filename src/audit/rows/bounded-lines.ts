/** Lines of files that anybody may have written: none is taken into memory that is longer than ours are. */

/** An event has at most a megabyte of text in it, a checkpoint some kilobytes. */
export const MAX_LINE_BYTES = 8_388_608;

const NEWLINE = 0x0a;

/** Where lines lie in bytes: the n-th from starts[n] to ends[n], without its end. The bytes are only good until the next ones are asked for. */
export type LinesIn = {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
};

/** The lines of a stream, some at a time. Rejects for one that is too long, and with the error of the stream. */
export async function* boundedSpans(chunks: AsyncIterable<Buffer>): AsyncGenerator<LinesIn> {
  // One buffer for all: a new one for each chunk would be a megabyte to collect.
  let joined = Buffer.alloc(0);
  let rest: Buffer = joined;
  for await (const chunk of chunks) {
    const length = rest.length + chunk.length;
    if (joined.length < length) {
      joined = Buffer.alloc(2 * length);
      rest.copy(joined);
    } else joined.set(rest);
    joined.set(chunk, rest.length);
    const bytes = joined.subarray(0, length);
    const starts: number[] = [];
    const ends: number[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      if (end - start > MAX_LINE_BYTES) throw tooLong();
      starts.push(start);
      ends.push(end);
      start = end + 1;
    }
    yield { bytes, starts, ends };
    rest = bytes.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw tooLong();
  }
  if (rest.length > 0) yield { bytes: rest, starts: [0], ends: [rest.length] };
}

/** As boundedSpans, each line as text by itself: what is kept of one would keep the whole text that it was cut out of. */
export async function* boundedLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  for await (const { bytes, starts, ends } of boundedSpans(chunks))
    yield starts.map((start, index) => bytes.toString('utf8', start, ends[index]));
}

function tooLong(): Error {
  return new Error(`it has a line of more than ${MAX_LINE_BYTES} bytes`);
}
