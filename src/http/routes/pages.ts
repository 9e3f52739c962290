/** What a person sees in a browser: the dashboard, and a page for every problem code. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import type { HttpDeps } from '../deps.ts';
import { RequestFaultError } from '../error-handler.ts';
import { sendPlainPage } from '../plain-page.ts';
import { installPageHeaders } from '../security-headers.ts';
import { isProblemCode, problemTable, type ProblemCode } from '../problems.ts';

const PAGES = fileURLToPath(new URL('../pages', import.meta.url));
/** Made by `npm run dashboard:build`. */
const DASHBOARD = fileURLToPath(new URL('../../../dashboard/dist', import.meta.url));
const INDEX = `${DASHBOARD}/index.html`;
/** So that the page asks for a key before it asks for anything else, and is not told so by refusals. */
const KEY_WANTED = '<html data-keys="required" ';

/** In a scope of its own, whose headers are those of pages. */
export async function pageRoutes(app: FastifyInstance, { keys }: Pick<HttpDeps, 'keys'>): Promise<void> {
  // Who has no key yet has to see where to enter it, and what a refusal means.
  app.addHook('onRoute', (route) => {
    route.config = { access: 'open', ...route.config };
  });
  await installPageHeaders(app);
  await app.register(fastifyStatic, { root: PAGES, prefix: '/pages/', index: false });
  if (existsSync(DASHBOARD)) await serveAssets(app);
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
    async (_request, reply) => {
      if (!existsSync(INDEX)) return sendNotBuilt(reply);
      const html = await readFile(INDEX, 'utf8');
      // Asked for anew each time: it names the files that are kept for good.
      return reply
        .headers({ 'cache-control': 'no-cache', 'content-type': 'text/html; charset=utf-8' })
        .send(keys.isClosed() ? html.replace('<html ', KEY_WANTED) : html);
    },
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
      const { status, title, advice } = problemTable[code];
      return sendPlainPage(reply, {
        title,
        crumbs: '<a href="/">Coffer</a> / problems',
        body: `<p>HTTP status <strong>${status}</strong>, code <code>${code}</code></p>
<p>${advice.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</p>
<p><a href="/docs">All routes and their problems</a></p>`,
      });
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
      config: { ...config('getOpenApi'), access: 'any' },
    },
    () => app.swagger(),
  );
}

/** Their names change with what is in them. */
async function serveAssets(app: FastifyInstance): Promise<void> {
  await app.register(fastifyStatic, {
    root: `${DASHBOARD}/dashboard/assets`,
    prefix: '/dashboard/assets/',
    index: false,
    decorateReply: false,
    preCompressed: true,
    immutable: true,
    maxAge: '365d',
  });
}

function sendNotBuilt(reply: FastifyReply): FastifyReply {
  return sendPlainPage(reply, {
    title: 'The dashboard is not built',
    crumbs: 'Coffer',
    body: `<p>The service works; only its dashboard is missing. In the folder of Coffer run</p>
<p><code>npm ci &amp;&amp; npm run dashboard:build</code></p>
<p>and load this page again after a restart. <a href="/docs">The API and its documentation</a> need no build.</p>`,
  });
}
