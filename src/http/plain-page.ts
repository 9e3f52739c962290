/** Pages that need no build: HTML with one stylesheet. */
import type { FastifyReply } from 'fastify';

/** `body` is HTML. */
export function sendPlainPage(
  reply: FastifyReply,
  page: { readonly title: string; readonly crumbs: string; readonly body: string },
): FastifyReply {
  const { title, crumbs, body } = page;
  return reply.header('content-type', 'text/html; charset=utf-8').send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - Coffer</title>
<link rel="icon" href="/pages/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/pages/page.css">
<main>
<p class="crumbs">${crumbs}</p>
<h1>${title}</h1>
${body}
</main>
</html>
`);
}
