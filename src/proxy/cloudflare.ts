// Cloudflare's address ranges: built in, refreshed from their API, the last good list kept on disk.

import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { compileCidrs, isCidr } from './cidr.ts'

/**
 * As published at https://www.cloudflare.com/ips/; the same since 2021. Other customers' Workers send from these ranges
 * too: being in them is not proof of being *our* visitor, only that `CF-Connecting-IP` was set by Cloudflare.
 */
export const builtInCloudflareCidrs: readonly string[] = [
  '173.245.48.0/20',
  '103.21.244.0/22',
  '103.22.200.0/22',
  '103.31.4.0/22',
  '141.101.64.0/18',
  '108.162.192.0/18',
  '190.93.240.0/20',
  '188.114.96.0/20',
  '197.234.240.0/22',
  '198.41.128.0/17',
  '162.158.0.0/15',
  '104.16.0.0/13',
  '104.24.0.0/14',
  '172.64.0.0/13',
  '131.0.72.0/22',
  '2400:cb00::/32',
  '2606:4700::/32',
  '2803:f800::/32',
  '2405:b500::/32',
  '2405:8100::/32',
  '2a06:98c0::/29',
  '2c0f:f248::/32',
]

/** Where `fetchText` should read: JSON with `result.ipv4_cidrs` and `result.ipv6_cidrs`, no account needed. */
export const cloudflareListUrl = 'https://api.cloudflare.com/client/v4/ips'

export type RefreshOutcome =
  | { readonly kind: 'unchanged' }
  | {
      readonly kind: 'changed'
      readonly added: readonly string[]
      readonly removed: readonly string[]
    }
  /** The list in use stays as it is. */
  | { readonly kind: 'failed'; readonly reason: string }

export interface CloudflareRanges {
  /** Takes the list kept on disk, if there is a good one; otherwise the built-in list stays. Never rejects. */
  load(): Promise<'kept' | 'built-in'>
  /** Asks for the newest list, and keeps it on disk when it is good. Never rejects. */
  refresh(): Promise<RefreshOutcome>
  /** Hot path: is this address Cloudflare's? */
  includes(ip: string): boolean
  cidrs(): readonly string[]
}

export interface CloudflareDeps {
  /** `cloudflare-ips.json` in the data directory. */
  readonly file: string
  /** Gets the text behind `cloudflareListUrl`, or rejects. Follow no redirects and read at most 64 KB. */
  readonly fetchText: () => Promise<string>
}

/** Nobody but Cloudflare may widen who is believed: a list with half the internet in it is not theirs. */
const widestPrefix = { v4: 10, v6: 24 }
const mostRanges = 200

export function createCloudflareRanges(deps: CloudflareDeps): CloudflareRanges {
  let cidrs = builtInCloudflareCidrs
  let includes = compileCidrs(cidrs)

  function use(list: readonly string[]): void {
    includes = compileCidrs(list)
    cidrs = list
  }

  return {
    async load() {
      try {
        const list = readList(await readFile(deps.file, 'utf8'))
        if (typeof list === 'string') return 'built-in'
        use(list)
        return 'kept'
      } catch {
        return 'built-in'
      }
    },
    async refresh() {
      try {
        const text = await deps.fetchText()
        const list = readList(text)
        if (typeof list === 'string') return { kind: 'failed', reason: list }
        const added = list.filter((cidr) => !cidrs.includes(cidr))
        const removed = cidrs.filter((cidr) => !list.includes(cidr))
        if (added.length + removed.length === 0) return { kind: 'unchanged' }
        use(list)
        await keep(deps.file, list)
        return { kind: 'changed', added, removed }
      } catch (error) {
        return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) }
      }
    },
    includes: (ip) => includes(ip),
    cidrs: () => cidrs,
  }
}

/** @returns the list, or a sentence on why it is not one. */
function readList(text: string): readonly string[] | string {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return 'the answer is not JSON'
  }
  const result = field(parsed, 'result')
  const v4 = field(result, 'ipv4_cidrs')
  const v6 = field(result, 'ipv6_cidrs')
  if (!isTexts(v4) || !isTexts(v6) || v4.length === 0 || v6.length === 0)
    return 'the answer has no ipv4_cidrs and ipv6_cidrs'
  const list = [...v4, ...v6]
  if (list.length > mostRanges) return `more than ${mostRanges} ranges`
  for (const cidr of list) {
    const prefix = Number(cidr.slice(cidr.indexOf('/') + 1))
    const widest = cidr.includes(':') ? widestPrefix.v6 : widestPrefix.v4
    if (!isCidr(cidr) || !cidr.includes('/') || prefix < widest)
      return `not a range of theirs: ${JSON.stringify(cidr.slice(0, 60))}`
  }
  return list
}

/** Whole or not at all: written beside and renamed. */
async function keep(file: string, list: readonly string[]): Promise<void> {
  const result = {
    ipv4_cidrs: list.filter((cidr) => !cidr.includes(':')),
    ipv6_cidrs: list.filter((cidr) => cidr.includes(':')),
  }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, `${JSON.stringify({ result }, null, 2)}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}
