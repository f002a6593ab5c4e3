// The attack: a header that the proxy does not strip because it is spelled differently, and that the application folds back:
// `X_Forwarded_User`, `Remote.User`, `REMOTE_USER`. CGI, WSGI and PHP turn every odd character into `_`.
// oauth2-proxy CVE-2025-64484; Traefik CVE-2026-39858, -54763, -88011, -33433; Caddy CVE-2026-52845; httpoxy CVE-2016-5385.

import t from 'tap'
import { publicRow, recordingBackend, request, startEdge, statuses } from '../fixtures/edge.ts'

const backend = await recordingBackend()
t.teardown(() => backend.close())
const edge = await startEdge(t, [publicRow('app', backend.port)])

t.test('the record’s own request arrives without a trace of it', async (t) => {
  const bytes = request(
    'GET /',
    'Cookie: session=low',
    'X_Forwarded_User: admin',
    'Remote_Groups: admins',
    'X.Authenticated.User: admin',
    'Proxy: http://evil.example/',
    'Connection: close',
  )
  t.same(statuses(await edge.exchange(bytes)), [200])
  t.notMatch(backend.requests.at(-1)?.head, /admin|evil/i)
  t.same(backend.requests.at(-1)?.field('cookie'), ['session=low'])
})

t.test('what CGI would read as identity is not there, however a client writes it', async (t) => {
  const names = ['remote-user', 'x-forwarded-user', 'x-auth-user', 'x-webauth-user', 'x-user-email']
  const seen = new Set<string>()
  for (const separator of [
    '-',
    '_',
    '.',
    '!',
    '#',
    '$',
    '%',
    '&',
    "'",
    '*',
    '+',
    '^',
    '`',
    '|',
    '~',
  ]) {
    const fields = names.flatMap((name) => {
      const spelled = name.replaceAll('-', separator)
      return [`${spelled}: forged`, `${spelled.toUpperCase()}: forged`]
    })
    t.same(statuses(await edge.exchange(request('GET /', 'Connection: close', ...fields))), [200])
    for (const line of backend.requests.at(-1)?.head.split('\r\n') ?? []) {
      const [name = '', value] = line.split(': ')
      if (value === 'forged') seen.add(name.toUpperCase().replace(/[^A-Z0-9]/g, '_'))
    }
  }
  t.same([...seen], [])
})

t.test('the log names what was dropped', async (t) => {
  const lines = await edge.gateway.accessLines()
  t.match(lines[0], { droppedHeaders: /X_Forwarded_User, Remote_Groups, X\.Authenticated\.User/ })
})
