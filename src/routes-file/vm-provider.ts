// Who starts and stops a VM: `oci:` or `command:` in `power:`.

import { isAbsolute } from 'node:path'
import type { VmProviderSettings } from '../model-machines.ts'
import type { Path, Reporter } from './problem.ts'
import { quote } from './quote.ts'
import type { RawCommand, RawOci, RawPower } from './schema-vm.ts'
import { readSpan } from './span.ts'
import { addressFault } from './web-address.ts'

/** Reads the provider; `null` and a report when there is none, or more than one. */
export function readProvider(
  raw: RawPower,
  at: Path,
  context: { readonly damaged: boolean; readonly reporter: Reporter },
): VmProviderSettings | null {
  const { damaged, reporter } = context
  if (raw.oci !== undefined && raw.command !== undefined) {
    reporter.error([...at, 'command'], {
      code: 'vm-power',
      what: 'stands beside oci: only one of them can start and stop the machine',
      remedy: 'remove one of the two',
    })
  }
  if (raw.oci !== undefined) return readOci(raw.oci, [...at, 'oci'], reporter)
  if (raw.command !== undefined) return readCommand(raw.command, [...at, 'command'], reporter)
  if (!damaged) {
    reporter.error(at, {
      code: 'vm-power',
      what: 'does not say who starts and stops the machine',
      remedy:
        'add oci: { instance: ..., region: ... }, or command: { start: [...], stop: [...], state: [...] }',
    })
  }
  return null
}

function readOci(raw: RawOci, at: Path, reporter: Reporter): VmProviderSettings {
  const say = (key: keyof RawOci, what: string, remedy: string) =>
    reporter.error([...at, key], { code: 'oci', what, remedy })
  const { instance, region, configFile, profile, endpoint } = raw
  const inOcid = checkInstance(instance, say)
  if (!/^[a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2}$/.test(region)) {
    say('region', `${quote(region)} is no region`, 'write it as in the console: eu-frankfurt-1')
  } else if (inOcid?.includes('-') && inOcid !== region) {
    say('region', `is ${region}, and the instance is in ${inOcid}`, `write ${inOcid}`)
  }
  if (configFile !== undefined && !isAbsolute(configFile)) {
    say(
      'configFile',
      `${quote(configFile)} is no absolute path, and the service has another home and directory than you`,
      'write it from the root, such as /etc/gatehouse/oci/config',
    )
  }
  if (profile !== undefined && !/^[\x21-\x5a\x5c\x5e-\x7e]{1,100}$/.test(profile)) {
    say(
      'profile',
      `${quote(profile)} is no name of a profile`,
      'write it without brackets: DEFAULT',
    )
  }
  if (profile !== undefined && configFile === undefined) {
    reporter.warning([...at, 'profile'], {
      code: 'no-effect',
      what: 'has no effect: without configFile the keys come from the secrets OCI_TENANCY, OCI_USER, OCI_FINGERPRINT and OCI_KEY',
      remedy: 'add configFile, or remove this',
    })
  }
  if (endpoint !== undefined) {
    const fault = addressFault(endpoint, { path: 'none' })
    if (fault !== null) say('endpoint', `${quote(endpoint)} ${fault.what}`, fault.remedy)
  }
  return {
    kind: 'oci',
    instance,
    region,
    configFile: configFile ?? null,
    profile: profile ?? 'DEFAULT',
    endpoint: endpoint?.replace(/\/$/, '') ?? null,
  }
}

/**
 * `ocid1.<type>.<realm>.[region][.future use].<unique id>`.
 *
 * @returns the region in it, which may be a short key such as `fra`; `null`: none, or a fault.
 */
function checkInstance(
  text: string,
  say: (key: 'instance', what: string, remedy: string) => void,
): string | null {
  const remedy = 'copy the OCID from the page of the instance: ocid1.instance.oc1...'
  const form = /^ocid1\.([a-z0-9]+)\.[a-z0-9-]+\.([a-z0-9-]*)\.(?:[a-z0-9-]*\.)?[a-z0-9]+$/.exec(
    text,
  )
  if (form === null) {
    say('instance', `${quote(text)} is no OCID`, remedy)
    return null
  }
  const [, type, region] = form
  if (type !== 'instance') {
    say('instance', `is the OCID of something else (${type})`, remedy)
    return null
  }
  return region === undefined || region === '' ? null : region
}

function readCommand(raw: RawCommand, at: Path, reporter: Reporter): VmProviderSettings {
  for (const key of ['start', 'softStop', 'stop', 'state'] as const) {
    const vector = raw[key]
    if (vector === undefined) continue
    const [program = ''] = vector
    if (!isAbsolute(program)) {
      reporter.error([...at, key, 0], {
        code: 'vm-command',
        what: `${quote(program)} is no absolute path: which program runs would depend on the PATH of the service`,
        remedy: /\s/.test(program)
          ? 'write program and arguments each by itself: [/usr/local/bin/vm, start]'
          : `write where it is, such as /usr/local/bin/${program.split('/').at(-1) || 'vm'}`,
      })
    }
    for (const [index, argument] of vector.entries()) {
      if (!argument.includes('\0')) continue
      reporter.error([...at, key, index], {
        code: 'vm-command',
        what: 'has a NUL in it, which ends an argument',
        remedy: 'remove it',
      })
    }
  }
  return {
    kind: 'command',
    start: raw.start,
    softStop: raw.softStop ?? null,
    stop: raw.stop,
    state: raw.state,
    timeoutMs: readSpan(raw.timeout, 60_000, {
      at: [...at, 'timeout'],
      least: 1000,
      most: 10 * 60_000,
      reporter,
    }),
  }
}
