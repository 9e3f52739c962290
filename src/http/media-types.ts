/** Whether a media type is asked for by its name: who takes anything gets what is usual. */
export function accepts(header: string | undefined, mediaType: string): boolean {
  const ranges = header?.split(',').map((range) =>
    range
      .toLowerCase()
      .split(';')
      .map((part) => part.trim()),
  );
  return ranges?.some(([name, ...parameters]) => name === mediaType && !parameters.includes('q=0')) ?? false;
}

/** Server-sent events. */
export const EVENT_STREAM = 'text/event-stream; charset=utf-8';
