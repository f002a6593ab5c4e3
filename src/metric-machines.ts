// Metrics of machines that sleep.

import type { MachineReport, OwnTraffic } from './control-machines.ts'
import { type Family, family, labels, one } from './exposition.ts'

export interface MachineFacts {
  readonly machines: readonly MachineReport[]
  readonly traffic: OwnTraffic
  /** How waits have ended since the start, by machine and result. */
  readonly waits: readonly {
    readonly vm: string
    readonly result: string
    readonly count: number
  }[]
}

export function machineFamilies({ machines, traffic, waits }: MachineFacts): Family[] {
  if (machines.length === 0) return []
  const each = (value: (report: MachineReport) => number | null) =>
    machines.flatMap((report) => {
      const it = value(report)
      return it === null ? [] : [{ labels: labels({ vm: report.id }), value: it }]
    })
  return [
    family('gauge', 'gatehouse_vm_state', {
      help: 'In which state a machine is; 1 for that one.',
      samples: machines.map(({ id, state }) => ({ labels: labels({ vm: id, state }), value: 1 })),
    }),
    family('gauge', 'gatehouse_vm_held_requests', {
      help: 'Requests that wait for a machine.',
      samples: each(({ held }) => held),
    }),
    family('counter', 'gatehouse_wake_waits_total', {
      help: 'Requests that waited for a machine, by how that ended.',
      samples: waits.map(({ vm, result, count }) => ({
        labels: labels({ vm, result }),
        value: count,
      })),
    }),
    family('gauge', 'gatehouse_vm_usual_start_seconds', {
      help: 'From wanted to ready, the median of the last starts.',
      samples: each(({ usualStartMs }) => (usualStartMs === null ? null : usualStartMs / 1000)),
    }),
    family('gauge', 'gatehouse_vm_trouble', {
      help: 'Whether a machine cannot be started, stopped or looked at.',
      samples: each(({ fault }) => (fault === null ? 0 : 1)),
    }),
    family('gauge', 'gatehouse_vm_awake_minutes', {
      help: 'Minutes a machine ran in this calendar month.',
      samples: each(({ cost }) => cost.minutesAwake),
    }),
    family('gauge', 'gatehouse_vm_cost', {
      help: 'What a machine cost in this calendar month, an estimate.',
      samples: machines.flatMap(({ id, cost: { money } }) =>
        money === null
          ? []
          : [{ labels: labels({ vm: id, currency: money.currency }), value: money.spent }],
      ),
    }),
    family('gauge', 'gatehouse_own_traffic_bytes', {
      help: 'Bytes sent to clients in this calendar month.',
      samples: one(traffic.bytes),
    }),
  ]
}
