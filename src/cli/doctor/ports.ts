// Are our ports free, and if not, who holds them? Linux: /proc/net/tcp and the descriptors of processes.

import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Config } from '../../config.ts'
import { formatListenAddress, type ListenAddress, overlaps } from '../../listen-address.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** A listening TCP socket. */
export interface Holder {
  readonly address: ListenAddress
  /** `null`: it belongs to somebody whose processes we may not look at. */
  readonly owner: { readonly pid: number; readonly name: string } | null
}

const about = 'ports'
/** State `TCP_LISTEN` in /proc/net/tcp. */
const listening = '0A'
/** Linux's capability number of CAP_NET_BIND_SERVICE. */
const bindService = 10n

/** @param proc where the proc file system is; another place in tests. */
export async function portFindings(config: Config, proc = '/proc'): Promise<Finding[]> {
  const holders = await listeners(proc)
  if (holders === null)
    return [warn(about, 'this system does not tell who listens', 'try ss -ltnp')]
  const findings: Finding[] = []
  for (const name of ['https', 'http', 'ops'] as const) {
    const address = config[name]
    if (address === null || address.port === 0) continue
    const text = `${name} ${formatListenAddress(address)}`
    const holder = holders.find((each) => overlaps(each.address, address))
    if (holder !== undefined) findings.push(held(text, holder, name))
    else if (await mayBind(address.port, proc)) findings.push(ok(about, `${text} is free`))
    else {
      const remedy = 'use the systemd sockets of packaging/, or give it CAP_NET_BIND_SERVICE'
      findings.push(warn(about, `${text} is free, but this user may not bind it`, remedy))
    }
  }
  return findings
}

/** Every listening TCP socket; `null` where there is no /proc. */
export async function listeners(proc = '/proc'): Promise<readonly Holder[] | null> {
  const sockets: { address: ListenAddress; inode: string }[] = []
  let readable = false
  for (const file of ['net/tcp', 'net/tcp6']) {
    try {
      sockets.push(...parseSockets(await readFile(join(proc, file), 'utf8')))
      readable = true
    } catch {
      // A kernel without IPv6 has no tcp6.
    }
  }
  if (!readable) return null
  const owners = await ownersOf(new Set(sockets.map(({ inode }) => inode)), proc)
  return sockets.map(({ address, inode }) => ({ address, owner: owners.get(inode) ?? null }))
}

function held(text: string, { owner }: Holder, name: string): Finding {
  if (owner === null) {
    return warn(about, `${text} is held, by whom only root can see`, 'run doctor as root')
  }
  const who = `${owner.name} (pid ${owner.pid})`
  if (owner.name === 'gatehouse') return ok(about, `${text} is held by ${who}: the gateway runs`)
  if (owner.pid === 1 && owner.name === 'systemd') {
    return ok(about, `${text} is held by systemd, for socket activation`)
  }
  const remedy = `stop it, or choose another port, as with --${name} ${name === 'ops' ? '127.0.0.1:9181' : name === 'https' ? '8443' : '8080'}`
  return fail(about, `${text} is held by ${who}`, remedy)
}

function parseSockets(table: string): { address: ListenAddress; inode: string }[] {
  const sockets: { address: ListenAddress; inode: string }[] = []
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/)
    const [address = '', port = ''] = (fields[1] ?? '').split(':')
    if (fields[3] !== listening) continue
    const host = hostOf(address)
    sockets.push({ address: { host, port: Number.parseInt(port, 16) }, inode: fields[9] ?? '' })
  }
  return sockets
}

/** Words of 32 bits in the machine's byte order, which is little-endian wherever Node runs today. */
function hostOf(hex: string): string | null {
  if (/^0+$/.test(hex)) return null
  const bytes = Buffer.from(hex, 'hex').swap32()
  if (bytes.length === 4) return bytes.join('.')
  const mapped =
    bytes.subarray(0, 10).every((byte) => byte === 0) && bytes.readUInt16BE(10) === 0xffff
  if (mapped) return bytes.subarray(12).join('.')
  if (bytes.subarray(0, 15).every((byte) => byte === 0) && bytes[15] === 1) return '::1'
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  return groups.join(':')
}

/** Looks through all processes we may look at for descriptors `socket:[inode]`. */
async function ownersOf(
  inodes: ReadonlySet<string>,
  proc: string,
): Promise<ReadonlyMap<string, { pid: number; name: string }>> {
  const owners = new Map<string, { pid: number; name: string }>()
  const pids = (await readdir(proc)).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    let descriptors: string[]
    try {
      descriptors = await readdir(join(proc, pid, 'fd'))
    } catch {
      continue // Gone meanwhile, or somebody else's.
    }
    for (const descriptor of descriptors) {
      const link = await readlink(join(proc, pid, 'fd', descriptor)).catch(() => '')
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode === undefined || !inodes.has(inode)) continue
      const name = await readFile(join(proc, pid, 'comm'), 'utf8').catch(() => '?')
      // systemd passes a socket on: then the process that serves it is of interest.
      if (!owners.has(inode) || owners.get(inode)?.pid === 1) {
        owners.set(inode, { pid: Number(pid), name: name.trim() })
      }
    }
  }
  return owners
}

async function mayBind(port: number, proc: string): Promise<boolean> {
  const start = await readFile(join(proc, 'sys/net/ipv4/ip_unprivileged_port_start'), 'utf8')
    .then(Number)
    .catch(() => 1024)
  if (port >= start) return true
  const status = await readFile(join(proc, 'self/status'), 'utf8').catch(() => '')
  const capabilities = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return ((BigInt(`0x${capabilities}`) >> bindService) & 1n) === 1n
}
