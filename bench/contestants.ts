// Who is compared, and how each is started. All get the same certificate, backend and protocols.

import { spawnSync } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'

import { join } from 'node:path'
import { build } from '../scripts/build.ts'
import { caddyFile, haproxyFile, nginxFile, routesFile } from './lib/peer-configurations.ts'
import type { Place } from './lib/place.ts'
import { type Child, freePort, start } from './lib/process.ts'

export interface Contestant {
  readonly name: string
  readonly http2: boolean
  readonly webSocket: boolean
  /** Proxies nothing: only its start is measured. */
  readonly startOnly: boolean
  /** Version, or `null`: not installed, left out. */
  readonly version: () => string | null
  /** Starts it; it may not listen yet when this returns. */
  readonly start: (place: Place) => Promise<Running>
}

export interface Running {
  readonly port: number
  /** All processes whose cost counts. */
  readonly children: readonly Child[]
}

/**
 * As the systemd unit in packaging/ sets them. All Node contestants get them, so that what is compared is code: a small
 * young generation alone saves a busy loop 40 MB and several per cent of CPU.
 */
const nodeFlags = ['--max-old-space-size=256', '--max-semi-space-size=8']
const nodeEnv = { NODE_ENV: 'production', MALLOC_ARENA_MAX: '2' }
const here = import.meta.dirname
const root = join(here, '..')

const proxy = { http2: true, webSocket: true, startOnly: false }

export const contestants: readonly Contestant[] = [
  { ...proxy, name: 'ours', version: () => 'this tree', start: startOurs },
  { ...proxy, name: 'bare', version: () => packageVersion('undici'), start: baseline('bare.ts') },
  {
    ...proxy,
    name: 'bare-https',
    startOnly: true,
    version: () => process.version,
    start: baseline('bare-https.ts'),
  },
  {
    ...proxy,
    name: 'http-proxy',
    http2: false,
    version: () => packageVersion('http-proxy'),
    start: baseline('http-proxy.ts'),
  },
  {
    ...proxy,
    name: 'fastify-http-proxy',
    version: () => packageVersion('@fastify/http-proxy'),
    start: baseline('fastify-http-proxy.ts'),
  },
  { ...proxy, name: 'nginx', version: nginxVersion, start: (place) => startNginx(place, null) },
  { ...proxy, name: 'nginx-auth', version: nginxVersion, start: startNginxWithAuth },
  {
    ...proxy,
    name: 'caddy',
    version: () => toolVersion('caddy', 'version', /(\d+\.\d+\.\d+)/),
    start: startCaddy,
  },
  {
    ...proxy,
    name: 'haproxy',
    version: () => toolVersion('haproxy', '-v', /version (\d+\.\d+\.\d+)/),
    start: startHaproxy,
  },
]

function startOurs(place: Place): Promise<Running> {
  return startRelease(place, { name: 'ours', table: routesFile(place) })
}

/** What a release of ours is started with. */
export interface Release {
  /** Of its directory: table, data, compile cache. */
  readonly name: string
  readonly table: string
  readonly env?: Readonly<Record<string, string>>
}

/** The release, as the systemd unit runs it: log to a file, limits on (with room for one client that is all visitors). */
export async function startRelease(place: Place, release: Release): Promise<Running> {
  const port = await freePort()
  const directory = join(place.directory, release.name)
  const table = join(directory, 'routes.yaml')
  if (!existsSync(table)) {
    buildRelease(directory)
    mkdirSync(join(directory, 'certs'), { recursive: true })
    writeFileSync(join(directory, 'certs', 'bench.crt'), place.certificatePem)
    writeFileSync(join(directory, 'certs', 'bench.key'), place.keyPem, { mode: 0o600 })
    writeFileSync(table, release.table)
  }
  const settings = {
    config: table,
    certs: join(directory, 'certs'),
    data: join(directory, 'data'),
    log: join(directory, 'access.log'),
    https: `127.0.0.1:${port}`,
    'public-port': '443',
    http: 'off',
    ops: `127.0.0.1:${await freePort()}`,
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const main = join(directory, 'dist', 'main.js')
  const cache = join(directory, 'compile-cache')
  const env = { ...nodeEnv, NODE_COMPILE_CACHE: cache, ...release.env }
  const child = start(process.execPath, [...nodeFlags, main, 'serve', ...flags], { env })
  return { port, children: [child] }
}

/** What `npm pack` would ship, so that nobody's edit changes the contestant halfway, nor types cost a start. */
function buildRelease(directory: string): void {
  mkdirSync(directory, { recursive: true })
  build(join(root, 'src'), join(directory, 'dist'))
  copyFileSync(join(root, 'package.json'), join(directory, 'package.json'))
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
}

function baseline(file: string): (place: Place) => Promise<Running> {
  return async (place) => {
    const port = await freePort()
    const parameters = [
      String(port),
      String(place.backendPort),
      place.certificateFile,
      place.keyFile,
    ]
    // The same compile cache that ours switches on by itself.
    const env = { ...nodeEnv, NODE_COMPILE_CACHE: join(place.directory, 'compile-cache') }
    const script = join(here, 'baselines', file)
    const child = start(process.execPath, [...nodeFlags, script, ...parameters], { env })
    return { port, children: [child] }
  }
}

async function startNginx(place: Place, authPort: number | null): Promise<Running> {
  const port = await freePort()
  const directory = join(place.directory, authPort === null ? 'nginx' : 'nginx-auth')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'nginx.conf')
  writeFileSync(file, nginxFile({ ...place, port, authPort, directory }))
  const log = join(directory, 'error.log')
  const parameters = ['-p', directory, '-c', file, '-e', log, '-g', 'daemon off;']
  return { port, children: [start(nginxPath() ?? 'nginx', parameters)] }
}

async function startNginxWithAuth(place: Place): Promise<Running> {
  const authPort = await freePort()
  const script = join(here, 'backend', 'free-auth.ts')
  const auth = start(process.execPath, [...nodeFlags, script, String(authPort)], { env: nodeEnv })
  const nginx = await startNginx(place, authPort)
  return { port: nginx.port, children: [...nginx.children, auth] }
}

async function startCaddy(place: Place): Promise<Running> {
  const port = await freePort()
  const directory = join(place.directory, 'caddy')
  mkdirSync(directory, { recursive: true })
  const file = join(directory, 'Caddyfile')
  writeFileSync(file, caddyFile({ ...place, port }))
  // Caddy keeps state below its home directory, which must not be the user's.
  const env = { HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory }
  const child = start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { env })
  return { port, children: [child] }
}

async function startHaproxy(place: Place): Promise<Running> {
  const port = await freePort()
  const directory = join(place.directory, 'haproxy')
  mkdirSync(directory, { recursive: true })
  const pem = join(directory, 'bench.pem')
  writeFileSync(pem, place.certificatePem + place.keyPem, { mode: 0o600 })
  const file = join(directory, 'haproxy.cfg')
  writeFileSync(file, haproxyFile({ ...place, port, pem }))
  const path = existsSync('/usr/sbin/haproxy') ? '/usr/sbin/haproxy' : 'haproxy'
  return { port, children: [start(path, ['-db', '-f', file])] }
}

function nginxPath(): string | null {
  for (const path of ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/local/bin/nginx']) {
    if (existsSync(path)) return path
  }
  return null
}

function nginxVersion(): string | null {
  const path = nginxPath()
  return path === null ? null : toolVersion(path, '-v', /nginx\/(\S+)/)
}

/** What a program says of itself; `null` when it is not there. */
export function toolVersion(command: string, flag: string, pattern: RegExp): string | null {
  const path = existsSync(`/usr/sbin/${command}`) ? `/usr/sbin/${command}` : command
  const result = spawnSync(path, [flag], { encoding: 'utf8' })
  return pattern.exec(`${result.stdout ?? ''}${result.stderr ?? ''}`)?.[1] ?? null
}

export function packageVersion(name: string): string | null {
  const file = join(root, 'node_modules', name, 'package.json')
  if (!existsSync(file)) return null
  return /"version":\s*"([^"]+)"/.exec(readFileSync(file, 'utf8'))?.[1] ?? null
}
