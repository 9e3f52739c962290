/** Waiting that ends. */

/** Whether `work` was done within so many milliseconds. It is not stopped: what it still does is not waited for. */
export async function endsWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const { promise: overdue, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), limitMs);
  try {
    return await Promise.race([work.then(() => true as const), overdue]);
  } finally {
    clearTimeout(timer);
  }
}
