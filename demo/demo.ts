// `npm run demo`: the gateway in front of a few small services on this machine. Not for production.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { isAbsolute, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { serve } from '../src/cli/serve.ts'
import type { Running } from '../src/cli/serve-types.ts'
import { type Config, type ConfigFiles, readConfig } from '../src/config.ts'
import { GatehouseError } from '../src/errors.ts'
import { openDemoCertificates } from './certificate-store.ts'
import { cloudDirectory, type DemoCloud, startCloud } from './cloud.ts'
import { openFirstPerson } from './first-person.ts'
import { demoUrl, guide } from './guide.ts'
import { freePort } from './ports.ts'
import { fillTable, type Services, startServices } from './services.ts'

/** How long requests may take to end after Ctrl-C; streams are ended at once. */
const drainMs = 3000
/** A terminal sends Ctrl-C to the whole process group, and a parent such as npm may pass it on: one key press, two signals. */
const sameKeyPressMs = 500

const root = fileURLToPath(new URL('..', import.meta.url))

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      https: { type: 'string', default: '8443' },
      http: { type: 'string', default: '8080' },
      ops: { type: 'string', default: '9180' },
      data: { type: 'string', default: join(root, '.demo') },
      boot: { type: 'string', default: '12' },
    },
  })
  const dataDir = resolve(values.data)
  // Events wait until the guide is printed, so that the guide is not scattered among them.
  let early: string[] | null = []
  const write = (text: string) => {
    if (early === null) process.stdout.write(text)
    else early.push(text)
  }
  const notes: string[] = []
  const taken: number[] = []
  const choose = async (what: string, wanted: string) => {
    const port = await freePort(Number(wanted), taken)
    if (wanted !== '0' && port !== Number(wanted)) {
      notes.push(`port ${wanted} is taken, so ${what} is on ${port}.`)
    }
    taken.push(port)
    return port
  }
  const https = await choose('HTTPS', values.https)
  const http = await choose('HTTP', values.http)
  const ops = await choose('the metrics page', values.ops)

  const certificates = await openDemoCertificates(dataDir, Date.now())
  const services = await startServices()
  // By port, so that two demos at once do not edit each other's table.
  const gatewayDir = join(dataDir, String(https))
  mkdirSync(gatewayDir, { recursive: true, mode: 0o700 })
  const tableFile = join(gatewayDir, 'routes.yaml')
  const template = readFileSync(join(root, 'demo', 'routes.yaml'), 'utf8')
  const bootSeconds = Number(values.boot)
  const cloud = await startCloud({
    directory: cloudDirectory(gatewayDir),
    bootMs: bootSeconds * 1000,
    say: (what) => write(`  (the studio's machine ${what})\n`),
  })
  const filled = new Map<string, number | string>([
    ...services.ports,
    ...Object.entries(cloud.ports),
    ['https', https],
    ['ociconfig', cloud.configFile],
  ])
  writeFileSync(tableFile, fillTable(template, filled))

  const person = await openFirstPerson({
    dataDir: gatewayDir,
    origin: demoUrl(https, 'auth', ''),
    now: Date.now(),
    randomBytes,
  })

  let running: Running
  try {
    running = await serve(
      configOf({
        config: tableFile,
        certs: certificates.certsDir,
        data: gatewayDir,
        https: `127.0.0.1:${https}`,
        http: `127.0.0.1:${http}`,
        ops: `127.0.0.1:${ops}`,
      }),
      {
        version: versionOf(readFileSync(join(root, 'package.json'), 'utf8')),
        pid: process.pid,
        nodeVersion: process.versions.node,
        now: Date.now,
        startedAt: Date.now() - process.uptime() * 1000,
        memoryUsage: () => process.memoryUsage(),
        cpuUsage: () => process.cpuUsage(),
        writeOut: write,
        writeError: write,
        environment: {},
        activation: {},
      },
    )
  } catch (error) {
    process.stdout.write(early.join(''))
    await Promise.all([services.close(), cloud.close()])
    if (!(error instanceof GatehouseError)) throw error
    const remedy = error.remedy === null ? '' : `; ${error.remedy}`
    process.stderr.write(`${error.message}${remedy}\n`)
    process.exitCode = 1
    return
  }
  stopOnSignal(running, services, cloud)
  const bound = running.addresses()
  process.stdout.write(
    guide({
      https: bound.https ?? https,
      http: bound.http ?? http,
      ops: bound.ops ?? ops,
      caFile: shortPath(certificates.caFile),
      tableFile: shortPath(tableFile),
      dataDir: shortPath(gatewayDir),
      person,
      logDir: shortPath(join(gatewayDir, 'log')),
      caFingerprint: certificates.caFingerprint,
      caIsNew: certificates.caIsNew,
      platform: process.platform,
      bootSeconds,
      notes,
    }),
  )
  process.stdout.write(early.join(''))
  early = null
}

function stopOnSignal(running: Running, services: Services, cloud: DemoCloud): void {
  let stoppingSince: number | null = null
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

  function stop(): void {
    if (stoppingSince === null) {
      stoppingSince = Date.now()
      process.stdout.write('\n  Stopping.\n')
      void shutDown()
    } else if (Date.now() - stoppingSince > sameKeyPressMs) {
      process.exit(130)
    }
  }

  async function shutDown(): Promise<void> {
    const deadline = setTimeout(() => void running.closeNow(), drainMs)
    const drained = running.drain()
    services.finish()
    await drained
    clearTimeout(deadline)
    await Promise.all([services.close(), cloud.close()])
    // Nothing is left, so the process ends by itself. The handlers stay: the second half of a key press may come now.
    process.stdout.write('  Stopped.\n')
  }
}

/** The same reading of settings as `gatehouse serve`, without environment: a demo is the same everywhere. */
function configOf(flags: Parameters<typeof readConfig>[0]['flags']): Config {
  const place = { cwd: root, checkout: null }
  const { config, problems } = readConfig({ flags, env: {}, files, place })
  if (config !== null) return config
  const [first] = problems
  throw new Error(first === undefined ? 'no configuration' : `${first.where}: ${first.what}`)
}

const files: ConfigFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  kind: (path) => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) return null
    return found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'
  },
  mode: (path) => statSync(path, { throwIfNoEntry: false })?.mode ?? null,
  list: (path) => readdirSync(path).sort(),
}

function versionOf(manifest: string): string {
  const parsed: unknown = JSON.parse(manifest)
  const isNamed = typeof parsed === 'object' && parsed !== null && 'version' in parsed
  return isNamed ? String(parsed.version) : 'unknown'
}

/** Relative where that is shorter to type: the reader stands where he started the demo. */
function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') || isAbsolute(short) ? path : short
}

await main()
