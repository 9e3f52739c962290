/** Paths of the JSON numbers in a value: data of an event must have none, since readers lose their digits. */
export function numbersIn(value: unknown, path = '$'): string[] {
  if (typeof value === 'number' || typeof value === 'bigint') return [path];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, member]) => numbersIn(member, `${path}.${name}`));
}
