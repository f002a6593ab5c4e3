// What the demo prints: where to go, what to try, how to trust its CA. Pure text.

import { join } from 'node:path'
import { demoDomain } from './certificate-store.ts'
import type { FirstPerson } from './first-person.ts'

export interface GuideFacts {
  readonly https: number
  readonly http: number
  /** `/health` and `/metrics`. */
  readonly ops: number
  /** Paths as the reader would type them. */
  readonly caFile: string
  readonly tableFile: string
  readonly dataDir: string
  readonly logDir: string
  readonly caFingerprint: string
  readonly caIsNew: boolean
  /** `process.platform`. */
  readonly platform: string
  /** How long the machine that sleeps takes to wake. */
  readonly bootSeconds: number
  readonly person: FirstPerson
  /** Sentences about wanted ports that were taken. */
  readonly notes: readonly string[]
}

/** @param name `''` for the bare domain. */
export function demoUrl(https: number, name: string, path = '/'): string {
  const host = name === '' ? demoDomain : `${name}.${demoDomain}`
  return `https://${host}${https === 443 ? '' : `:${https}`}${path}`
}

/** The whole text, with a line feed at its end. */
export function guide(facts: GuideFacts): string {
  const { https, caFile, notes } = facts
  const url = (name: string, path = '/') => demoUrl(https, name, path)
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
    ...signInLines(facts),
    '',
    `  Admin     ${url('proxy')}`,
    '            for whoever is in the group admin, as the first person is: change a route and see it in force, invite',
    '            somebody, put the machine to sleep.',
    '',
    `  Wake      ${url('studio', '/desk')}`,
    `            signed in, you see its machine wake: about ${facts.bootSeconds} s from a click to its page. Nobody there for a`,
    '            minute, it sleeps again (not in the first two minutes of the demo, when the gateway is still patient). Its',
    '            cloud is simulated, its machine is a process. A program is held meanwhile:',
    `              ${commandLine(facts, `token add --user ${facts.person.name} --label curl --wake 20`)}`,
    `              ${curl} -H "Authorization: Bearer $TOKEN" -d hello ${url('studio', '/desk/echo')}`,
    '            What it does, and how to have it otherwise',
    `              ${commandLine(facts, 'vm list')}`,
    `              ${commandLine(facts, 'vm keep studio --until 10m')}`,
    `              ${commandLine(facts, 'vm sleep studio')}`,
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
    '            A private service: a program gets 401 and where to sign in, a browser is sent there',
    `              ${curl} -i ${url('private')}`,
    '            The same for a program with a token of its own',
    `              ${commandLine(facts, `token add --user ${facts.person.name} --label curl`)}`,
    `              ${curl} -H "Authorization: Bearer $TOKEN" ${url('private')}`,
    '            Sign everybody out, while the private WebSocket is open in a window',
    `              ${commandLine(facts, 'session revoke --all')}`,
    '            A service that dies while it answers',
    `              ${curl} -i ${url('crash', '/before')}`,
    '            Health and metrics, on this machine only',
    `              curl http://127.0.0.1:${facts.ops}/metrics`,
    '',
    `  Table     ${facts.tableFile}`,
    '            Edit it while this runs, here or on the admin page: it is read again at once, a bad edit changes nothing.',
    '            The next start writes it anew.',
    `  People    ${join(facts.dataDir, 'gatehouse.db')}`,
    '            Kept for the next start; remove the file, and the demo has nobody again.',
    `  Logs      ${facts.logDir}`,
    '',
    '  Ctrl-C stops.',
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** Passkeys work on pages the browser trusts alone (WebAuthn §5.1): hence the order of the guide. */
function signInLines(facts: GuideFacts): string[] {
  const { person, https } = facts
  const another = `            another link: ${commandLine(facts, `user link ${person.name}`)}`
  if (person.link === null) {
    return [
      `  Sign in   ${demoUrl(https, 'auth')}`,
      `            as ${person.name}, with ${person.has}, as you enrolled before;`,
      another,
    ]
  }
  return [
    `  Sign in   ${person.link}`,
    `            makes you ${person.name}, once, within a day: with a passkey (when the CA is trusted) or a password;`,
    another,
  ]
}

/** A command of the program, on the demo's table and data. */
function commandLine(facts: GuideFacts, command: string): string {
  const { tableFile, dataDir, platform } = facts
  const places = `--config ${quoted(tableFile, platform)} --data ${quoted(dataDir, platform)}`
  return `npm run gatehouse -- ${command} ${places}`
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
