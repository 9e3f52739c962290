/** What a person sees in a browser: the first page, and a page for every problem code. */
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { RequestFaultError } from '../error-handler.ts';
import { isProblemCode, problemTable, type ProblemCode } from '../problems.ts';

const PAGES = fileURLToPath(new URL('../pages', import.meta.url));

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export async function pageRoutes(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, {
    root: PAGES,
    prefix: '/pages/',
    index: false,
    setHeaders: (reply) => {
      void reply
        .header('content-security-policy', CONTENT_SECURITY_POLICY)
        .header('x-content-type-options', 'nosniff');
    },
  });
  const html = (description: string) => ({
    200: { description, content: { 'text/html': { schema: z.string() } } },
  });
  const config = (operationId: string, problems: readonly ProblemCode[] = []) => ({
    facts: { operationId, problems, ledger: false },
  });

  app.get(
    '/',
    {
      schema: { tags: ['pages'], summary: 'The dashboard', response: html('A page for people') },
      config: config('getDashboard'),
    },
    (_request, reply) => reply.sendFile('index.html'),
  );
  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) => reply.sendFile('favicon.svg'));

  app.get<{ Params: { code: string } }>(
    '/problems/:code',
    {
      schema: {
        tags: ['pages'],
        summary: 'What a problem means and what to do about it: the type of every problem leads here',
        params: z.strictObject({
          code: z.string().meta({ description: 'The code of a problem.', examples: ['insufficient_funds'] }),
        }),
        response: html('A page for people'),
      },
      config: config('getProblem', ['not_found']),
    },
    (request, reply) => {
      const { code } = request.params;
      if (!isProblemCode(code)) throw new RequestFaultError('not_found', `There is no problem code ${code}.`);
      return reply
        .header('content-type', 'text/html; charset=utf-8')
        .header('content-security-policy', CONTENT_SECURITY_POLICY)
        .header('x-content-type-options', 'nosniff')
        .send(problemPage(code));
    },
  );

  app.get(
    '/openapi.json',
    {
      schema: {
        tags: ['pages'],
        summary: 'This document; GET /docs shows it in a browser',
        response: { 200: z.record(z.string(), z.unknown()) },
      },
      config: config('getOpenApi'),
    },
    () => app.swagger(),
  );
}

function problemPage(code: ProblemCode): string {
  const { status, title, advice } = problemTable[code];
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Coffer</title>
<link rel="stylesheet" href="/pages/style.css">
<main class="problem">
<p><a href="/">Coffer</a> / problems</p>
<h1>${title}</h1>
<p>HTTP status <strong>${status}</strong>, code <code>${code}</code></p>
<p>${advice.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</p>
<p><a href="/docs">All routes and their problems</a></p>
</main>
</html>
`;
}
