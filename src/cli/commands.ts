// The commands, their operands and flags: one list that parsing, help and docs/commands.md share.

import { machineCommands } from './commands-machines.ts'
import { peopleCommands } from './commands-people.ts'

/** A flag of one command. Settings (`--config` …) are listed in config.ts instead. */
export interface Flag {
  /** Without the dashes. */
  readonly name: string
  /** What stands for its value in help; `null`: it takes none. */
  readonly value: string | null
  readonly summary: string
}

export interface Command {
  /** One word, or a group of `groups` and an action: `user add`. */
  readonly name: string
  /** Operands as help shows them; empty: it takes none. */
  readonly operands: string
  readonly minOperands: number
  readonly maxOperands: number
  readonly summary: string
  /** Its operand is a random reference, which may begin with a hyphen. */
  readonly takesReference?: true
  /** Takes the settings of config.ts. */
  readonly takesSettings: boolean
  readonly flags: readonly Flag[]
  /** A few lines for `gatehouse help <command>`. */
  readonly details: readonly string[]
}

/** Commands of two words, by their first. */
export interface Group {
  readonly name: string
  readonly summary: string
}

/** In the order of help. */
export const groups: readonly Group[] = [
  { name: 'user', summary: 'people' },
  { name: 'session', summary: 'who is signed in, and where' },
  { name: 'token', summary: "programs' own way in" },
  { name: 'bans', summary: 'networks that guessed too often' },
  { name: 'vm', summary: 'machines that sleep' },
  { name: 'alert', summary: 'who hears what a person should know' },
  { name: 'key', summary: 'of the secrets in the database' },
]

const json: Flag = { name: 'json', value: null, summary: 'print JSON, for programs' }

/** In the order of help. A test compares docs/commands.md with it. */
export const commands = [
  {
    name: 'serve',
    operands: '',
    minOperands: 0,
    maxOperands: 0,
    summary: 'run the gateway',
    takesSettings: true,
    flags: [],
    details: [
      'Serves until SIGTERM or SIGINT, then finishes what is in flight and exits with 0.',
      'SIGHUP reads table and certificates again. A second SIGINT cuts everything off.',
    ],
  },
  {
    name: 'init',
    operands: '<dir>',
    minOperands: 1,
    maxOperands: 1,
    summary: 'make a configuration directory',
    takesSettings: false,
    flags: [],
    details: [
      'Puts the route table, certs/ and an environment file for secrets into the directory, so that',
      'an update of the program never touches your edits. Refuses to overwrite anything.',
    ],
  },
  {
    name: 'check',
    operands: '[file]',
    minOperands: 0,
    maxOperands: 1,
    summary: 'find every mistake in the route table',
    takesSettings: true,
    flags: [
      {
        name: 'against-running',
        value: null,
        summary: 'also say what changes for whom, against the table that runs',
      },
      { name: 'strict', value: null, summary: 'warnings count as errors' },
      json,
    ],
    details: ['Exit code 1 when there are errors. Changes nothing and connects to nothing.'],
  },
  {
    name: 'explain',
    operands: '<url>',
    minOperands: 1,
    maxOperands: 1,
    summary: 'show what would happen to a request, and why',
    takesSettings: true,
    flags: [
      { name: 'user', value: '<name>', summary: 'as this person (default: a stranger)' },
      { name: 'groups', value: '<a,b>', summary: 'groups of that person' },
      { name: 'with', value: '<proof>', summary: 'signed in with passkey or second-factor' },
      { name: 'age', value: '<duration>', summary: 'signed in so long ago, such as 20m' },
      { name: 'method', value: '<method>', summary: 'GET when not given' },
      { name: 'origin', value: '<origin>', summary: 'the Origin header of the request' },
      { name: 'fetch-site', value: '<site>', summary: 'its Sec-Fetch-Site header' },
      { name: 'websocket', value: null, summary: 'it opens a WebSocket' },
      { name: 'from', value: '<ip>', summary: 'address of the client' },
      { name: 'cloudflare', value: null, summary: 'it comes through Cloudflare' },
      json,
    ],
    details: [
      'Goes through the functions a request goes through. The address is taken as it is written:',
      '/a/../b and %2f are judged as a client would send them. Quote it in the shell.',
    ],
  },
  {
    name: 'routes',
    operands: '',
    minOperands: 0,
    maxOperands: 0,
    summary: 'print the route table as requests are matched with it',
    takesSettings: true,
    flags: [json],
    details: ['Hosts by name, and below each host the paths in the order they are tried.'],
  },
  {
    name: 'doctor',
    operands: '',
    minOperands: 0,
    maxOperands: 0,
    summary: 'look at ports, DNS, certificates, clock, disk, targets, permissions',
    takesSettings: true,
    flags: [
      { name: 'offline', value: null, summary: 'no DNS and no connections' },
      { name: 'timeout', value: '<seconds>', summary: 'for each lookup and connection (3)' },
      json,
    ],
    details: [
      'Prints ok, warn and FAIL lines with remedies; exit code 1 when something failed. Binds no port',
      'and changes nothing, so it runs beside a live gateway or another proxy.',
    ],
  },
  ...peopleCommands,
  ...machineCommands,
  {
    name: 'backup',
    operands: '',
    minOperands: 0,
    maxOperands: 0,
    summary: 'database, key, table, settings and certificates in one file',
    takesSettings: true,
    flags: [
      { name: 'output', value: '<file>', summary: 'where to (a name with the date, here)' },
      { name: 'encrypt', value: null, summary: 'with a passphrase, which is asked for' },
    ],
    details: [
      'Works while the gateway runs. Without a terminal the passphrase comes from the secret',
      'BACKUP_PASSPHRASE. A file that is not encrypted gives whoever has it the whole gateway.',
    ],
  },
  {
    name: 'restore',
    operands: '<file>',
    minOperands: 1,
    maxOperands: 1,
    summary: 'put a backup in its place',
    takesSettings: true,
    flags: [
      { name: 'dry-run', value: null, summary: 'verify the backup, and say what would be done' },
      { name: 'only', value: '<parts>', summary: 'these parts of it (all)' },
      { name: 'replace', value: '<parts>', summary: 'these parts may replace what is there' },
    ],
    details: [
      'Parts are database, routes, environment and certificates, separated by commas. What is replaced',
      'is kept beside it. Stop the gateway first.',
    ],
  },
  {
    name: 'key rotate',
    operands: '',
    minOperands: 0,
    maxOperands: 0,
    summary: 'encrypt all secrets in the database with a new key',
    takesSettings: true,
    flags: [],
    details: [
      'Works while the gateway runs. Backups made before hold the old key.',
      'With the secret ENCRYPTION_KEY: first put the old one into ENCRYPTION_KEY_PREVIOUS.',
    ],
  },
  {
    name: 'help',
    operands: '[command]',
    minOperands: 0,
    maxOperands: 2,
    summary: 'this text, or more about one command',
    takesSettings: false,
    flags: [],
    details: [],
  },
  {
    name: 'version',
    operands: '',
    minOperands: 0,
    maxOperands: 0,
    summary: 'print the version',
    takesSettings: false,
    flags: [],
    details: [],
  },
] as const satisfies readonly Command[]

export type CommandName = (typeof commands)[number]['name']

/** The commands that work on people: handled by people.ts. */
export type PeopleCommandName = (typeof peopleCommands)[number]['name']

export function isPeopleCommand(name: string): name is PeopleCommandName {
  return peopleCommands.some((command) => command.name === name)
}

/** The commands about machines: handled by machines.ts. */
export type MachineCommandName = (typeof machineCommands)[number]['name']

export function isMachineCommand(name: string): name is MachineCommandName {
  return machineCommands.some((command) => command.name === name)
}

/** The commands of a group, in the order of help; none for a name that is no group. */
export function commandsOf(group: string): readonly Command[] {
  return commands.filter(({ name }) => name.startsWith(`${group} `))
}

/** @returns `null` for a name that is no command. */
export function commandNamed(name: string): (Command & { readonly name: CommandName }) | null {
  return commands.find((command) => command.name === name) ?? null
}
