// A bare Node HTTPS server that proxies nothing: the floor for "start to first answer". Frozen.
//   node bench/baselines/bare-https.ts <port> <ignored> <certificate> <key>

import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const [port = '0', , certificate = '', key = ''] = process.argv.slice(2)
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (_req, res) => {
  res.end('hello')
}).listen(Number(port), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))
