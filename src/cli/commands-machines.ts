// The commands about machines that sleep, and about who hears of them; a part of the list in commands.ts.

import type { Command, Flag } from './commands.ts'

const json: Flag = { name: 'json', value: null, summary: 'print JSON, for programs' }
const common = { takesSettings: true, flags: [json], details: [] } as const
const noOperands = { operands: '', minOperands: 0, maxOperands: 0 } as const
const oneVm = { operands: '<vm>', minOperands: 1, maxOperands: 1 } as const

/** In the order of help. */
export const machineCommands = [
  {
    ...common,
    ...noOperands,
    name: 'vm list',
    summary: 'which machines sleep or run, who woke them, when they sleep again',
  },
  {
    ...common,
    ...oneVm,
    name: 'vm wake',
    summary: 'start a machine',
    flags: [
      {
        name: 'wait',
        value: null,
        summary: 'until it is ready; exit code 1 when it does not get so',
      },
      { name: 'port', value: '<port>', summary: 'ready means that this port answers (any of its)' },
      { name: 'timeout', value: '<time>', summary: 'wait no longer than this, such as 5m' },
      json,
    ],
    details: [
      'The start goes on when the command is interrupted. A machine that is awake stays so for the time',
      'it takes to fall asleep; "gatehouse vm keep" keeps it awake longer.',
    ],
  },
  {
    ...common,
    ...oneVm,
    name: 'vm sleep',
    summary: 'put a machine to sleep now, whoever uses it',
    details: [
      'What is under way may end within the time that "drain" in the table gives it. Ends "vm keep".',
      'A visit by somebody who may wakes it again.',
    ],
  },
  {
    ...common,
    ...oneVm,
    name: 'vm restart',
    summary: 'stop a machine that runs but is dead, and start it again',
  },
  {
    ...common,
    ...oneVm,
    name: 'vm keep',
    summary: 'keep a machine awake for a while, used or not',
    flags: [
      { name: 'until', value: '<time>', summary: '18:00, 2026-11-30T18:00, or 2h from now' },
      { name: 'off', value: null, summary: 'no longer' },
      json,
    ],
    details: [
      "A time of day is the next one, in the machine's time zone. Wakes it when it is asleep.",
      'Survives a restart of the gateway.',
    ],
  },
  {
    ...common,
    name: 'vm cost',
    operands: '[vm]',
    minOperands: 0,
    maxOperands: 1,
    summary: 'hours and money of this month; of one machine start by start',
  },
  {
    ...common,
    ...noOperands,
    name: 'alert test',
    summary: 'send a test message to everybody in "alerts" of the table',
    details: ['Exit code 1 when one of them did not take it.'],
  },
] as const satisfies readonly Command[]
