// Room on the disk, and who may read and write what is ours.

import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Config } from '../../config.ts'
import { errorCode, type Finding, fail, ok, warn } from './finding.ts'

const megabyte = 1024 * 1024
const warnFreeBytes = 1024 * megabyte
const failFreeBytes = 100 * megabyte
const warnFreeInodes = 10_000

/** @param userId of this process; `null` where there is none. */
export async function storageFindings(config: Config, userId: number | null): Promise<Finding[]> {
  const findings: Finding[] = []
  const places = new Set([await existing(config.dataDir)])
  if (config.log.kind === 'file') places.add(await existing(dirname(config.log.path)))
  for (const place of places) findings.push(...(await room(place)))
  findings.push(...(await ownDirectory(config.dataDir, userId)))
  findings.push(...(await notWritableByOthers(config.routesFile)))
  findings.push(...(await notWritableByOthers(config.certsDir)))
  findings.push(...(await environmentFile(config)))
  return findings
}

/** The nearest directory on the way up that is there. */
async function existing(path: string): Promise<string> {
  let at = path
  while (dirname(at) !== at && (await stat(at).catch(() => null)) === null) at = dirname(at)
  return at
}

async function room(place: string): Promise<Finding[]> {
  const { bsize, bavail, files, ffree } = await statfs(place)
  const freeBytes = bsize * bavail
  const what = `${Math.floor(freeBytes / megabyte)} MB free for ${place}`
  const remedy = 'make room: a full disk stops the access log and changes of the table'
  const findings = [
    freeBytes < failFreeBytes
      ? fail('disk', what, remedy)
      : freeBytes < warnFreeBytes
        ? warn('disk', what, remedy)
        : ok('disk', what),
  ]
  // File systems without a fixed number of inodes say 0.
  if (files > 0 && ffree < warnFreeInodes) {
    findings.push(
      warn('disk', `${ffree} inodes free for ${place}`, 'delete small files nobody needs'),
    )
  }
  return findings
}

async function ownDirectory(path: string, userId: number | null): Promise<Finding[]> {
  const about = 'data'
  const found = await stat(path).catch(() => null)
  if (found === null) {
    const parent = await existing(path)
    const writable = await may(parent, constants.W_OK)
    if (writable) return [ok(about, `${path} will be made at the first start`)]
    return [
      warn(about, `${path} is not there and this user cannot make it`, 'make it for the service'),
    ]
  }
  const findings: Finding[] = []
  if ((found.mode & 0o077) !== 0) {
    findings.push(
      warn(about, `${path} is open to others (${octal(found.mode)})`, `chmod 700 ${path}`),
    )
  }
  if (!(await may(path, constants.W_OK | constants.X_OK))) {
    const remedy = 'run doctor as the user of the service, or give it the directory'
    findings.push(fail(about, `${path} cannot be written by this user`, remedy))
  } else if (userId === 0 && found.uid !== 0) {
    findings.push(ok(about, `${path} belongs to user ${found.uid}; is the service that user?`))
  } else if (findings.length === 0) findings.push(ok(about, `${path} is ours alone`))
  return findings
}

/** Whoever writes the table or the certificates owns the gate. */
async function notWritableByOthers(path: string): Promise<Finding[]> {
  const found = await stat(path).catch((error: unknown) => errorCode(error))
  if (typeof found === 'string') {
    return [
      fail('files', `${path} cannot be looked at (${found})`, 'make it, or let this user read it'),
    ]
  }
  if ((found.mode & 0o002) !== 0) {
    return [fail('files', `anybody may write ${path}`, `chmod o-w ${path}`)]
  }
  if (!(await may(path, constants.R_OK))) {
    return [fail('files', `${path} cannot be read by this user`, 'run doctor as the service would')]
  }
  return []
}

async function environmentFile(config: Config): Promise<Finding[]> {
  const chosen = config.chosen.find(({ option }) => option === 'env-file')?.value ?? 'none'
  const path = chosen === 'none' ? join(dirname(config.routesFile), 'gatehouse.env') : chosen
  const found = await stat(path).catch(() => null)
  if (found === null || (found.mode & 0o077) === 0) return []
  return [warn('files', `${path} is open to others (${octal(found.mode)})`, `chmod 600 ${path}`)]
}

async function may(path: string, mode: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`
}
