// http-proxy as its README has it, with the one thing that everybody adds: an agent that keeps connections.
//   node bench/baselines/http-proxy.ts <port> <backend port> <certificate> <key>

import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import httpProxy from 'http-proxy'

const [port = '0', backend = '0', certificate = '', key = ''] = process.argv.slice(2)
httpProxy
  .createProxyServer({
    target: `http://127.0.0.1:${backend}`,
    agent: new Agent({ keepAlive: true, maxSockets: 1100 }),
    ssl: { cert: readFileSync(certificate), key: readFileSync(key) },
    xfwd: true,
    ws: true,
  })
  .on('error', (_error, _req, res) => res.destroy())
  .listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
