// A server that does nothing but answer, to find what the generator itself can do. It counts ends of
// headers instead of parsing: each request of ours arrives in one piece, for it fits one segment and a
// connection never has two in flight.

import { createServer } from 'node:net';

const body = JSON.stringify({ status: 'posted', padding: 'x'.repeat(300) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
);

const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(answer));
  socket.on('error', () => socket.destroy());
});
server.listen(Number(process.env['PORT']), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
