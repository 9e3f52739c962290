import { openEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';

// What the service does with the embedded server: opens it, says so, and closes it on a signal.
const [dataDir = '', mode = 'serve'] = process.argv.slice(2);
const server = await openEmbeddedPostgres({ dataDir, mode: mode as 'serve' | 'attach', log: () => {} });
const awake = setInterval(() => {}, 1000);
const stop = () => {
  void server.close().then(() => clearInterval(awake));
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
console.log(server.url);
