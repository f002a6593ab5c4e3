// HTTP/1.1 load: autocannon over kept TLS connections. Prints one line of JSON.
//   node bench/clients/http1.ts <port> <seconds> <connections> [host] [cookie] [requests a second]

import autocannon from 'autocannon'
import { percentile } from '../lib/statistics.ts'
import { browserHeaders } from './browser-headers.ts'
import { servername } from './tls-connection.ts'

const [port = '', seconds = '3', connections = '50', host = servername, cookie = '', rate = ''] =
  process.argv.slice(2)
const cookies = cookie === '' ? browserHeaders.cookie : `${browserHeaders.cookie}; ${cookie}`
const run = autocannon({
  url: `https://127.0.0.1:${port}/small`,
  connections: Number(connections),
  duration: Number(seconds),
  servername: host,
  headers: { ...browserHeaders, cookie: cookies ?? '', host },
  ...(rate === '' ? {} : { overallRate: Number(rate) }),
})
// autocannon's own histogram knows whole milliseconds only.
const latencies: number[] = []
run.on('response', (_client, _status, _bytes, ms) => latencies.push(ms))
const result = await run
process.stdout.write(
  `${JSON.stringify({
    requests: result.requests.total,
    seconds: result.duration,
    p50: percentile(latencies, 50),
    p99: percentile(latencies, 99),
    wrong: result.errors + result.non2xx,
  })}\n`,
)
