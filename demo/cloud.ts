// The demo's cloud: a simulated Oracle Cloud with one machine, which is a process of this computer while it runs.

import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createOci } from '../test/fixtures/oci.ts'
import { createOciAccount, writeOciConfig } from '../test/fixtures/oci-account.ts'
import { freePort } from './ports.ts'

export interface DemoCloud {
  /** Of the API, and of the service on the machine; both on 127.0.0.1. */
  readonly ports: { readonly cloud: number; readonly studio: number }
  /** What the gateway signs its calls by: an OCI config file. */
  readonly configFile: string
  /** Ends the machine with it, whatever it does. */
  close(): Promise<void>
}

export interface DemoCloudOptions {
  /** Where the key of the gateway's account goes; made 0700 before. */
  readonly directory: string
  /** From the start's acceptance until the service answers, milliseconds; a third of it is the cloud's part. */
  readonly bootMs: number
  /** Told of each change, one word or two: `starts`, `boots`, `shuts down`, `is off`. */
  readonly say: (what: string) => void
}

/** As in `demo/routes.yaml`. */
export const demoInstance = 'ocid1.instance.oc1.eu-frankfurt-1.demo'

/** How long the machine takes to shut down, milliseconds. */
const shutDownMs = 3000

const entry = fileURLToPath(new URL('machine.ts', import.meta.url))

/** The machine is off at first. */
export async function startCloud(options: DemoCloudOptions): Promise<DemoCloud> {
  const { directory, bootMs, say } = options
  const account = createOciAccount('demo')
  const configFile = writeOciConfig(directory, account)
  const oci = await createOci({
    accounts: [account],
    instances: { [demoInstance]: 'STOPPED' },
    time: {
      now: Date.now,
      after(ms, run) {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
    },
  })
  const cloud = Number(new URL(oci.endpoint).port)
  const studio = await freePort(0, [cloud])
  const instance = oci.instance(demoInstance)
  instance.startMs = bootMs / 3
  instance.softStopMs = shutDownMs
  instance.stopMs = 500
  let machine: ChildProcess | null = null

  instance.watch((state) => {
    switch (state) {
      case 'STARTING':
        say('starts')
        return
      case 'RUNNING':
        say('boots')
        machine = power(studio, bootMs - instance.startMs)
        return
      case 'STOPPING':
        say('shuts down')
        machine?.kill('SIGTERM')
        return
      case 'STOPPED':
        say('is off')
        machine?.kill('SIGKILL')
        machine = null
        return
      default:
    }
  })

  return {
    ports: { cloud, studio },
    configFile,
    async close() {
      const last = machine
      // A change that is due would hold the process.
      instance.become('STOPPED')
      if (last !== null && last.exitCode === null && last.signalCode === null) {
        await new Promise((resolve) => last.once('exit', resolve))
      }
      await oci.close()
    },
  }
}

/** The channel ends with this process, and the machine with the channel: nothing is left behind. */
function power(port: number, bootMs: number): ChildProcess {
  return spawn(process.execPath, [entry, String(port), String(bootMs)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** Where the key lies, below the data of a demo. */
export function cloudDirectory(dataDir: string): string {
  return join(dataDir, 'oci')
}
