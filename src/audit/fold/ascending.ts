/** In the order of positions or sizes, for sort. */
export function ascending(left: bigint, right: bigint): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
