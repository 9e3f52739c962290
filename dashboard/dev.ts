/** The dashboard while it is worked on: what changes shows at once. The service is asked at COFFER_URL. */
import { createServer } from 'vite';
import { viteConfig } from './vite.ts';

const service = process.env['COFFER_URL'] ?? 'http://127.0.0.1:3000';

/** All but the page and what Vite itself serves. */
const OF_THE_SERVICE = '^/(?!$|src/|@|node_modules/|index\\.html)';

const server = await createServer({
  ...viteConfig,
  server: { host: '127.0.0.1', port: 5173, proxy: { [OF_THE_SERVICE]: { target: service } } },
});
await server.listen();
server.printUrls();
