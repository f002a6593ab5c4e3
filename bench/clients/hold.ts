// Opens many connections, uses each once, keeps them idle until it is killed. Prints a line when all are open.
//   node bench/clients/hold.ts <port> tls|websocket <count>

import type { TLSSocket } from 'node:tls'
import { contentLength, discard, openTls, readHead, requestHead, status } from './tls-connection.ts'
import { openWebSocket } from './web-socket.ts'

const [port = '', kind = 'tls', wanted = '1000'] = process.argv.slice(2)
const atOnce = 20
const open: TLSSocket[] = []
let wrong = 0

async function one(): Promise<void> {
  const socket = await openTls(Number(port))
  if (kind === 'websocket') await openWebSocket(socket, port)
  else await useHttp(socket)
  socket.on('close', () => {
    wrong += 1
  })
  open.push(socket)
}

async function useHttp(socket: TLSSocket): Promise<void> {
  socket.write(requestHead('GET', '/small'))
  const head = await readHead(socket)
  if (status(head) !== 200) throw new Error(`answer: ${head}`)
  await discard(socket, contentLength(head))
}

async function worker(): Promise<void> {
  while (left > 0) {
    left -= 1
    await one()
  }
}

let left = Number(wanted)
await Promise.all(Array.from({ length: atOnce }, worker))
process.stdout.write(`${JSON.stringify({ open: open.length })}\n`)
process.on('SIGTERM', () => {
  process.exit(wrong > 0 ? 1 : 0)
})
setInterval(() => {}, 1000)
