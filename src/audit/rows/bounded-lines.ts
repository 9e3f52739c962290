/** Lines of files that anybody may have written: none is taken into memory that is longer than ours are. */

/** An event has at most a megabyte of text in it, a checkpoint some kilobytes. */
export const MAX_LINE_BYTES = 8_388_608;

const NEWLINE = 0x0a;

/** The lines of a stream without their ends, some at a time. Rejects for one that is too long, and with the error of the stream. */
export async function* boundedLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const lines: string[] = [];
    let start = 0;
    // Each line by itself: what is kept of one would keep the whole text that it was cut out of.
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      if (end - start > MAX_LINE_BYTES) throw tooLong();
      lines.push(bytes.toString('utf8', start, end));
      start = end + 1;
    }
    yield lines;
    rest = bytes.subarray(start);
    if (rest.length > MAX_LINE_BYTES) throw tooLong();
  }
  if (rest.length > 0) yield [rest.toString('utf8')];
}

function tooLong(): Error {
  return new Error(`it has a line of more than ${MAX_LINE_BYTES} bytes`);
}
