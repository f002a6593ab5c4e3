// What the demo prints: where to go, what to try, how to trust its CA. Pure text.

import { demoDomain } from './certificate-store.ts'

export interface GuideFacts {
  readonly https: number
  readonly http: number
  /** `/health` and `/metrics`. */
  readonly ops: number
  /** Paths as the reader would type them. */
  readonly caFile: string
  readonly tableFile: string
  readonly logDir: string
  readonly caFingerprint: string
  readonly caIsNew: boolean
  /** `process.platform`. */
  readonly platform: string
  /** Sentences about wanted ports that were taken. */
  readonly notes: readonly string[]
}

/** The whole text, with a line feed at its end. */
export function guide(facts: GuideFacts): string {
  const { https, caFile, notes } = facts
  const url = (name: string, path = '/') =>
    `https://${name === '' ? '' : `${name}.`}${demoDomain}${https === 443 ? '' : `:${https}`}${path}`
  const curl = `curl --cacert ${quoted(caFile, facts.platform)}`
  const trust = trustCommand(facts)
  const lines = [
    '',
    '  Gatehouse demo',
    '',
    ...notes.map((note) => `  Note: ${note}`),
    ...(notes.length === 0 ? [] : ['']),
    `  Open      ${url('')}`,
    `            http://${demoDomain}:${facts.http}/ leads there`,
    '',
    `  Trust     ${trust.command}`,
    ...trust.notes.map((note) => `            ${note}`),
    `            The CA is ${facts.caIsNew ? 'new, made for this machine' : 'the one of last time'}; it is good for ${demoDomain} alone:`,
    `            SHA-256 ${facts.caFingerprint.slice(0, 47)}`,
    `                    ${facts.caFingerprint.slice(48)}`,
    '',
    '  Try       HTTP/1.1',
    `              ${curl} --http1.1 -H 'Remote-User: admin' ${url('headers', '/json')}`,
    '            HTTP/2',
    `              ${curl} --http2 -sI ${url('')}`,
    '            WebSocket (101, then the first frame of the service; curl ends it after 2 s and calls that an error)',
    `              ${curl} --http1.1 -iN --max-time 2 -H 'Connection: Upgrade' -H 'Upgrade: websocket' \\`,
    `                -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' ${url('echo', '/socket')}`,
    '            Event stream, an event a second',
    `              ${curl} -N '${url('events', '/stream?count=5')}'`,
    '            Upload of 2 GB, in flat memory',
    `              head -c 2147483648 /dev/zero | ${curl} -T - ${url('upload', '/file')}`,
    '            A private service: 401 until there is a login',
    `              ${curl} -i ${url('private')}`,
    '            A service that dies while it answers',
    `              ${curl} -i ${url('crash', '/before')}`,
    '            Health and metrics, on this machine only',
    `              curl http://127.0.0.1:${facts.ops}/metrics`,
    '',
    `  Table     ${facts.tableFile}`,
    '            Edit it while this runs: it is read again at once, a bad edit changes nothing.',
    `  Logs      ${facts.logDir}`,
    '',
    '  Ctrl-C stops.',
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** One command that makes the usual browser of a platform trust the root, for the current user if it can. */
export function trustCommand(facts: Pick<GuideFacts, 'caFile' | 'platform'>): {
  readonly command: string
  readonly notes: readonly string[]
} {
  const file = quoted(facts.caFile, facts.platform)
  switch (facts.platform) {
    case 'darwin':
      return {
        command: `security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db ${file}`,
        notes: [`undo: security remove-trusted-cert ${file}`],
      }
    case 'win32':
      return {
        command: `certutil -user -addstore Root ${file}`,
        notes: ['undo: certutil -user -delstore Root "Gatehouse demo CA"'],
      }
    default:
      return {
        command: `mkdir -p ~/.pki/nssdb && certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n 'Gatehouse demo CA' -i ${file}`,
        notes: [
          'for Chromium and Chrome; certutil is in libnss3-tools (Debian) or nss-tools (Fedora)',
          'Firefox: Settings, Certificates, View, Authorities, Import',
          `undo: certutil -d sql:$HOME/.pki/nssdb -D -n 'Gatehouse demo CA'`,
        ],
      }
  }
}

function quoted(path: string, platform: string): string {
  if (/^[\w./\\:@%+=-]+$/.test(path)) return path
  return platform === 'win32' ? `"${path}"` : `'${path.replaceAll("'", "'\\''")}'`
}
