// `alerts:`, where what a person should know is sent.

import type { AlertTarget } from '../model-machines.ts'
import type { Path, Reporter } from './problem.ts'
import type { RawAlert } from './schema-vm.ts'
import { addressFault } from './web-address.ts'

/** Reads the list; what is wrong is reported. No message quotes an address: who knows it can often write there. */
export function readAlerts(
  raw: readonly RawAlert[] | undefined,
  reporter: Reporter,
): readonly AlertTarget[] {
  return (raw ?? []).map((entry, index): AlertTarget => {
    const token = entry.token?.secret ?? null
    if ('webhook' in entry) {
      checkAddress(entry.webhook, ['alerts', index, 'webhook'], reporter)
      return { kind: 'webhook', url: entry.webhook, token }
    }
    const at: Path = ['alerts', index, 'ntfy']
    const sound = checkAddress(entry.ntfy, at, reporter)
    // One segment, as ntfy names its topics; the server may live below a path.
    if (sound && !/^[^/]+\/\/[^/?#]+(?:\/[^/?#]+)*\/[-_A-Za-z0-9]{1,64}$/.test(entry.ntfy)) {
      reporter.error(at, {
        code: 'alert-address',
        what: 'names no topic',
        remedy: 'write server and topic, such as https://ntfy.sh/topic',
      })
    }
    return { kind: 'ntfy', url: entry.ntfy, token }
  })
}

function checkAddress(text: string, at: Path, reporter: Reporter): boolean {
  const fault = addressFault(text, { path: 'any' })
  if (fault !== null) reporter.error(at, { code: 'alert-address', ...fault })
  return fault === null
}
