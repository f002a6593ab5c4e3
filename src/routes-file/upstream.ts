// `to: vm:port`, `to: http(s)://host:port` and `to: { url: ... }`: where a backend is and how to speak TLS to it.

import { isIP } from 'node:net'
import { parseHost } from '../host.ts'
import type { UpstreamTarget, UpstreamTls, VmDefinition, VmId } from '../model.ts'
import { nearest } from '../nearest.ts'
import { forbiddenAddress, isMetadataName } from './addresses.ts'
import type { Fault, Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawUpstream } from './schema.ts'

/** Reads an upstream; reports what is wrong and returns `null` then. */
export function readUpstream(
  raw: string | RawUpstream,
  at: Path,
  deps: { readonly vms: ReadonlyMap<string, VmDefinition>; readonly reporter: Reporter },
): UpstreamTarget | null {
  const { vms, reporter } = deps
  const url = typeof raw === 'string' ? raw : raw.url
  const urlAt = typeof raw === 'string' ? at : [...at, 'url']
  const place = readPlace(url, vms)
  if ('what' in place) {
    reporter.error(urlAt, place)
    return null
  }
  const { scheme, hostname, port, vm } = place
  if (scheme === 'https') {
    const tls = readTls(typeof raw === 'string' ? null : raw, at, reporter)
    return { kind: 'upstream', scheme, hostname, port, vm, tls }
  }
  if (typeof raw !== 'string') {
    for (const key of ['serverName', 'ca', 'clientCertificate', 'insecureSkipUpstreamTlsVerify']) {
      if (!Object.hasOwn(raw, key)) continue
      reporter.error([...at, key], {
        code: 'tls-without-https',
        what: 'is about TLS, but the target is plain HTTP',
        remedy: 'write https:// in url, or remove this',
      })
    }
  }
  return { kind: 'upstream', scheme, hostname, port, vm, tls: null }
}

/** Why nothing may be sent to this host name or address; `null` when it may. Not yet resolved. */
export function hostFault(host: string): Fault | null {
  if (isIP(host) !== 0) {
    const reason = forbiddenAddress(host)
    return reason === null ? null : forbidden(`${host} ${reason}`)
  }
  if (isNumeric(host)) {
    return {
      code: 'target-spelling',
      what: `${quote(host)} is an IPv4 address in disguise (decimal, octal, hexadecimal or shortened)`,
      remedy: 'write it as four decimal numbers, such as 192.0.2.7',
    }
  }
  if (parseHost(host) === null) {
    return {
      code: 'target-invalid',
      what: `${quote(host)} is neither a host name nor an IP address`,
      remedy: 'write a name, 192.0.2.7 or [2001:db8::7]',
    }
  }
  return isMetadataName(host) ? forbidden(`${host} is the name of a metadata service`) : null
}

function forbidden(what: string): Fault {
  return {
    code: 'target-forbidden',
    what,
    remedy: 'name the address of a backend; this one is refused for every route',
  }
}

interface TargetPlace {
  readonly scheme: 'http' | 'https'
  readonly hostname: string
  readonly port: number
  readonly vm: VmId | null
}

// Not `new URL`: it turns 0x7f.1 and 2130706433 into 127.0.0.1 without a word.
const urlForm = /^(https?):\/\/(\[[^\]]*\]|[^:/?#@[\]\s]+)(?::(\d{1,5}))?\/?$/i
const vmForm = /^([^:/?#@[\]\s]+):(\d{1,5})$/

function readPlace(text: string, vms: ReadonlyMap<string, VmDefinition>): TargetPlace | Fault {
  const url = urlForm.exec(text)
  if (url !== null) {
    const scheme = url[1]?.toLowerCase() === 'https' ? 'https' : 'http'
    const port = readPort(url[3] ?? (scheme === 'https' ? '443' : '80'))
    if (port === null) return badPort
    const host = url[2] ?? ''
    const vm = vms.get(host)
    if (vm !== undefined) return { scheme, hostname: vm.address, port, vm: vm.id }
    const bracketed = host.startsWith('[')
    const bare = bracketed ? host.slice(1, -1) : host
    if (bracketed && (isIP(bare) !== 6 || bare.includes('%'))) return badTarget(text)
    const fault = hostFault(bare)
    if (fault !== null) return fault
    const name = isIP(bare) === 0 ? parseHost(bare) : bare.toLowerCase()
    return { scheme, hostname: name ?? bare, port, vm: null }
  }
  const short = vmForm.exec(text)
  if (short === null) return badTarget(text)
  const name = short[1] ?? ''
  const port = readPort(short[2] ?? '')
  const vm = vms.get(name)
  if (vm === undefined) return unknownVm(name, short[2] ?? '', [...vms.keys()])
  if (port === null) return badPort
  return { scheme: 'http', hostname: vm.address, port, vm: vm.id }
}

function readTls(raw: RawUpstream | null, at: Path, reporter: Reporter): UpstreamTls {
  let serverName: string | null = null
  if (raw?.serverName !== undefined) {
    serverName = parseHost(raw.serverName)
    // RFC 6066 §3: a server name is never an address.
    if (serverName === null || isIP(serverName) !== 0) {
      reporter.error([...at, 'serverName'], {
        code: 'server-name',
        what: `${quote(raw.serverName)} is no host name`,
        remedy: "write the name in the backend's certificate, such as mail.example.com",
      })
    }
  }
  const certificate = raw?.clientCertificate
  return {
    serverName,
    caFile: raw?.ca ?? null,
    clientCertificate:
      certificate === undefined ? null : { certFile: certificate.cert, keyFile: certificate.key },
    insecureSkipUpstreamTlsVerify: raw?.insecureSkipUpstreamTlsVerify ?? false,
  }
}

/** The last label decides, as in the URL standard's "ends in a number": 0x7f.1, 0177.0.0.1, 127.1, 2130706433. */
function isNumeric(host: string): boolean {
  const last = host.replace(/\.$/, '').split('.').at(-1) ?? ''
  return /^(?:\d+|0x[0-9a-f]*)$/i.test(last)
}

function readPort(text: string): number | null {
  const port = Number(text)
  return port >= 1 && port <= 65_535 ? port : null
}

const badPort: Fault = {
  code: 'target-invalid',
  what: 'has no valid port',
  remedy: 'write a port from 1 to 65535',
}

function unknownVm(name: string, port: string, known: readonly string[]): Fault {
  const meant = nearest(name, known)
  return {
    code: 'unknown-vm',
    what: `there is no VM ${quote(name)}`,
    remedy:
      meant === null
        ? `add it to vms, or write http://${name}:${port} if it is a host name`
        : `did you mean ${meant}?`,
  }
}

function badTarget(text: string): Fault {
  const path = /^https?:\/\/[^/]+\/./i.test(text)
  return {
    code: 'target-invalid',
    what: path ? `${quote(text)} has a path` : `${quote(text)} is no target`,
    remedy: path
      ? 'write host and port alone; prefixRewrite: { replace: /path } adds a path'
      : 'write vm:port, http(s)://host:port, landing, login or admin',
  }
}
