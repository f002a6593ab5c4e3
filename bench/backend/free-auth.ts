// The cheapest auth server that Node can be: every request is allowed, none is looked at. Its CPU counts.
//   node bench/backend/free-auth.ts <port>

import { createServer } from 'node:net'

const allowed = Buffer.from('HTTP/1.1 204 No Content\r\nRemote-User: someone\r\n\r\n')
createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(allowed))
  socket.on('error', () => socket.destroy())
}).listen(Number(process.argv[2] ?? 0), '127.0.0.1', 4096)
