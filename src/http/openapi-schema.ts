/** JSON Schema as zod writes it, made fit for people: what says nothing is left out. */
export type JsonSchema = { [keyword: string]: unknown };

const ONE_SCHEMA = ['items', 'additionalProperties', 'not'];
const MANY_SCHEMAS = ['anyOf', 'oneOf', 'allOf'];
/** zod spells them out as patterns of several lines. */
const SPELLED_OUT = new Set(['uuid', 'date-time']);
const EXAMPLE_ID = '01998a6e-7c00-7000-8000-000000000001';

/** `open`: of an answer, which may get further fields in time; requests are closed. */
export function tidySchema(schema: JsonSchema, options: { open: boolean }): JsonSchema {
  const tidy: JsonSchema = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'properties') tidy[keyword] = mapValues(value as JsonSchema, options);
    else if (MANY_SCHEMAS.includes(keyword)) {
      tidy[keyword] = (value as JsonSchema[]).map((member) => tidySchema(member, options));
    } else if (ONE_SCHEMA.includes(keyword) && typeof value === 'object') {
      tidy[keyword] = tidySchema(value as JsonSchema, options);
    } else if (!saysNothing(keyword, value, options)) tidy[keyword] = value;
  }
  if (isEmpty(tidy['additionalProperties'])) tidy['additionalProperties'] = true;
  if (tidy['format'] === 'uuid') tidy['examples'] ??= [EXAMPLE_ID];
  if (SPELLED_OUT.has(String(tidy['format'])) && String(tidy['pattern']).includes('|'))
    delete tidy['pattern'];
  return tidy;
}

function mapValues(schemas: JsonSchema, options: { open: boolean }): JsonSchema {
  const tidied = Object.entries(schemas).map(([name, schema]) => [
    name,
    tidySchema(schema as JsonSchema, options),
  ]);
  return Object.fromEntries(tidied) as JsonSchema;
}

function saysNothing(keyword: string, value: unknown, { open }: { open: boolean }): boolean {
  switch (keyword) {
    case 'additionalProperties':
      return open && value === false;
    case 'propertyNames':
      return JSON.stringify(value) === '{"type":"string"}';
    case 'minimum':
      return value === Number.MIN_SAFE_INTEGER;
    case 'maximum':
      return value === Number.MAX_SAFE_INTEGER;
    case 'minLength':
      return value === 0;
    default:
      return false;
  }
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
