// The shape of `vms:` and `alerts:` in routes.yaml: machines, who starts and stops them, and who hears of it.

import * as z from 'zod'
import { durationPattern, isOwnSecret, secretName } from './units.ts'

const span = (description: string) => z.string().regex(durationPattern).describe(description)

/** Never the secret itself: the file is read by more eyes than the environment. */
const secret = (name: string) =>
  z
    .strictObject({
      secret: z
        .string()
        .regex(secretName)
        .refine((name) => !isOwnSecret(name))
        .describe(`name a secret, ${name}`),
    })
    .describe(`write { secret: ${name} } and keep the value in GATEHOUSE_SECRET_${name}`)

const oci = z
  .strictObject({
    instance: z.string().describe('write the OCID of the instance: ocid1.instance.oc1...'),
    region: z.string().describe('write the region, such as eu-frankfurt-1'),
    configFile: z
      .string()
      .optional()
      .describe('write the absolute path of an OCI config file, such as /etc/gatehouse/oci/config'),
    profile: z
      .string()
      .optional()
      .describe('write the name of a profile in configFile; default: DEFAULT'),
    endpoint: z
      .string()
      .optional()
      .describe("write https://host of another API server; default: the region's own"),
  })
  .describe('write { instance: ocid1.instance.oc1..., region: eu-frankfurt-1 }')

const vector = (example: string) =>
  z
    .array(z.string().describe('write text in quotes'))
    .min(1)
    .max(100)
    .describe(
      `write a list, [${example}]: program and arguments, each by itself; no shell reads it`,
    )

const command = z
  .strictObject({
    start: vector('/usr/local/bin/vm, start'),
    softStop: vector('/usr/local/bin/vm, shutdown').optional(),
    stop: vector('/usr/local/bin/vm, stop'),
    state: vector('/usr/local/bin/vm, state'),
    timeout: span('write how long one of them may run, such as 60s').optional(),
  })
  .describe('write { start: [...], softStop: [...], stop: [...], state: [...] }')

const awakeTime = z
  .strictObject({
    days: z
      .array(z.string().describe('write mon, tue, wed, thu, fri, sat, sun, or mon-fri'))
      .min(1)
      .optional()
      .describe('write days such as [mon-fri, sun]; not written: every day'),
    from: z.string().describe('write a time of day, such as "08:00"'),
    to: z.string().describe('write a time of day, such as "18:00"'),
  })
  .describe('write { days: [mon-fri], from: "08:00", to: "18:00" }')

const cost = z
  .strictObject({
    perHour: z.number().min(0).max(1000).describe('write what an hour costs, such as 0.0075'),
    currency: z.string().optional().describe('write a currency of ISO 4217, such as USD'),
    budget: z
      .number()
      .positive()
      .max(1_000_000)
      .optional()
      .describe('write what a calendar month may cost, such as 6.50'),
    atBudget: z
      .enum(['warn', 'manual', 'refuse'])
      .optional()
      .describe('write warn, manual or refuse: what happens when the budget is used up'),
  })
  .describe('write { perHour: 0.0075, currency: USD, budget: 6.50 }')

const power = z
  .strictObject({
    oci: oci.optional(),
    command: command.optional(),
    sleepAfter: span('write how long without use until it sleeps, such as 30m').optional(),
    minimumAwake: span('write how long it stays awake at least, such as 10m').optional(),
    drain: span('write how long what is under way may go on, such as 30s').optional(),
    softStop: span('write how long a shutdown may take, such as 5m').optional(),
    startTimeout: span('write how long a start may take, such as 10m').optional(),
    startsPerHour: z
      .number()
      .int()
      .min(1)
      .max(60)
      .optional()
      .describe('write how often it may be started in an hour, such as 6'),
    hold: span('write how long a request is held at most, such as 85s').optional(),
    readyPath: z
      .string()
      .optional()
      .describe('write a path that answers below 500 when it is ready, such as /health'),
    webSocketFloor: z
      .number()
      .int()
      .min(0)
      .max(1_000_000_000)
      .optional()
      .describe('write bytes a minute from the client, such as 1000'),
    streamsCount: z
      .boolean()
      .optional()
      .describe('write true or false: do open streams keep it awake'),
    foundRunning: z
      .enum(['adopt', 'ignore', 'stop'])
      .optional()
      .describe('write adopt, ignore or stop: what becomes of it when somebody else started it'),
    awake: z
      .array(awakeTime)
      .max(50)
      .optional()
      .describe(
        'write times in which it is kept awake: [{ days: [mon-fri], from: "08:00", to: "18:00" }]',
      ),
    timeZone: z
      .string()
      .optional()
      .describe('write a time zone, such as Europe/Berlin, for awake and for months'),
    cost: cost.optional(),
    busy: secret('VM_BUSY').optional(),
  })
  .describe('write { oci: { instance: ..., region: ... }, sleepAfter: 30m }')

/** One of `vms:`. */
export const vm = z
  .strictObject({
    address: z.string().describe('write an IP address or a host name'),
    power: power.optional(),
  })
  .describe('write { address: 203.0.113.7 }')

const ntfy = z.strictObject({
  ntfy: z.string().describe('write the address of a topic, such as https://ntfy.sh/topic'),
  token: secret('NTFY').optional(),
})

const webhook = z.strictObject({
  webhook: z.string().describe('write the address that gets a POST with JSON, such as https://...'),
  token: secret('WEBHOOK').optional(),
})

/** `alerts:` of the file. */
export const alerts = z
  .array(
    z
      .union([ntfy, webhook])
      .describe('write { ntfy: https://ntfy.sh/topic } or { webhook: https://host/path }'),
  )
  .max(10)
  .describe('write a list such as [{ ntfy: https://ntfy.sh/topic, token: { secret: NTFY } }]')

export type RawVm = z.infer<typeof vm>
export type RawPower = z.infer<typeof power>
export type RawOci = z.infer<typeof oci>
export type RawCommand = z.infer<typeof command>
export type RawCost = z.infer<typeof cost>
export type RawAwakeTime = z.infer<typeof awakeTime>
export type RawAlert = z.infer<typeof alerts>[number]
