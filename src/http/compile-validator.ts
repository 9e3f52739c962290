/** How a part of a request is held against its schema. */
import type { FastifySchemaCompiler } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import type { z } from 'zod';

export const compileValidator: FastifySchemaCompiler<z.ZodType> = (route) => {
  // Headers are in the schemas for the document; the hooks check them.
  if (route.httpPart === 'headers') return () => true;
  const validate = validatorCompiler(route);
  if (route.httpPart !== 'params' && route.httpPart !== 'querystring') return validate;
  // Most requests have no query, and many no parameters: what that comes to is found out once.
  const ofNothing = route.schema.safeParse({});
  if (!ofNothing.success) return validate;
  return (data: object) => (isEmpty(data) ? { value: { ...(ofNothing.data as object) } } : validate(data));
};

function isEmpty(data: object): boolean {
  for (const _name in data) return false;
  return true;
}
