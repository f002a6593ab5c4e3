// Does a contestant answer rightly? Nothing is measured before this passes.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { request } from 'node:https'
import { openTls, servername } from '../clients/tls-connection.ts'
import { openWebSocket } from '../clients/web-socket.ts'
import type { Session } from './session.ts'

const uploadBytes = 1_000_000
const downloadBytes = 3_000_000

/** What is wrong, in words; empty: nothing. */
export async function mistakes(session: Session): Promise<readonly string[]> {
  const { contestant, port } = session
  const found: string[] = []
  const expect = async (what: string, test: () => Promise<string>, wanted: string) => {
    try {
      const got = await withDeadline(test())
      if (got !== wanted) found.push(`${what}: ${got.slice(0, 120)} instead of ${wanted}`)
    } catch (error) {
      found.push(`${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  await expect('GET', () => http1(port, 'GET', '/small', null), '200 97 bytes')
  await expect('HEAD', () => http1(port, 'HEAD', '/small', null), '200 0 bytes')
  await expect(
    'download',
    () => http1(port, 'GET', `/bytes/${downloadBytes}`, null),
    `200 ${downloadBytes} bytes`,
  )
  await expect('upload', () => http1(port, 'PUT', '/sink', uploadBytes), `200 ${uploadBytes}`)
  if (contestant.http2) await expect('HTTP/2', () => http2(port), '200 97 bytes')
  if (contestant.webSocket) await expect('WebSocket', () => webSocket(port), 'echo')
  return found
}

function withDeadline(work: Promise<string>): Promise<string> {
  const deadline = new Promise<string>((resolve) => {
    setTimeout(() => resolve('no answer within 10 s'), 10_000).unref()
  })
  return Promise.race([work, deadline])
}

/** `200 97 bytes`; for short answers to uploads the text itself. */
async function http1(
  port: number,
  method: string,
  path: string,
  uploaded: number | null,
): Promise<string> {
  const req = request({
    host: '127.0.0.1',
    port,
    method,
    path,
    servername,
    headers: { host: servername },
    rejectUnauthorized: false,
    agent: false,
  })
  req.end(uploaded === null ? undefined : Buffer.alloc(uploaded, 'x'))
  const [res] = await once(req, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of res) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  if (uploaded !== null) return `${res.statusCode} ${body}`
  const isIntact = path !== '/small' || method === 'HEAD' || digest(body) === digest(smallAnswer)
  return isIntact ? `${res.statusCode} ${body.length} bytes` : `another body: ${body}`
}

async function http2(port: number): Promise<string> {
  const session = connect(`https://${servername}:${port}`, {
    host: '127.0.0.1',
    servername,
    rejectUnauthorized: false,
  })
  session.on('error', () => {})
  try {
    const stream = session.request({ ':path': '/small' })
    const [headers] = await once(stream, 'response')
    let bytes = 0
    for await (const chunk of stream) bytes += chunk.length
    return `${headers[':status']} ${bytes} bytes`
  } finally {
    session.close()
  }
}

async function webSocket(port: number): Promise<string> {
  const socket = await openTls(port)
  try {
    await openWebSocket(socket, String(port))
    return 'echo'
  } finally {
    socket.destroy()
  }
}

function digest(body: Buffer): string {
  return createHash('sha256').update(body).digest('hex')
}

const smallAnswer = Buffer.from(
  `${'The same ninety-seven bytes for every contestant, so that the work of the proxy is what remains.'.padEnd(96)}\n`,
)
